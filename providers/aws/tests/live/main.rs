//! Reading AWS, tried on servers that speak its protocols: moto, which serves what is read; MiniStack, which refuses; and a relay
//! between them and the reader, which counts, slows down, refuses, cuts off and talks nonsense.

mod company;
mod faults;
mod question;
mod relay;
mod servers;
mod whole;
