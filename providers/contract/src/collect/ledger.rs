//! The books of one reading: what was asked and is still open, what became of each call, what went to the sink.

use super::{Progress, Sink};
use crate::snapshot::{Document, Outcome, Search};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is open by kind and subject: the first call for it, and how many there are.
type Open = BTreeMap<(&'static str, String), (&'static str, usize)>;

/// Keeps the books of a reader. Each cloud sends its calls in its own way; what is noted of them is the same.
pub struct Ledger<'r> {
    sink: &'r dyn Sink,
    progress: &'r dyn Progress,
    open: Mutex<Open>,
    tally: Mutex<BTreeMap<&'static str, Outcome>>,
    read: AtomicBool,
    write_error: Mutex<Option<String>>,
}

impl<'r> Ledger<'r> {
    /// Empty books over `sink`.
    #[must_use]
    pub fn new(sink: &'r dyn Sink, progress: &'r dyn Progress) -> Self {
        Self {
            sink,
            progress,
            open: Mutex::default(),
            tally: Mutex::default(),
            read: AtomicBool::new(false),
            write_error: Mutex::default(),
        }
    }

    /// Where it all goes.
    #[must_use]
    pub fn sink(&self) -> &'r dyn Sink {
        self.sink
    }

    /// Who is told how far reading has come.
    #[must_use]
    pub fn progress(&self) -> &'r dyn Progress {
        self.progress
    }

    /// Something will be noted of `kind` of `subject`, for which `call` is sent; if time runs out first, that is noted.
    /// A call without a kind is never noted.
    pub fn expect(&self, kind: &'static str, subject: &str, call: &'static str) {
        if !kind.is_empty() {
            held(&self.open).entry((kind, subject.to_owned())).or_insert((call, 0)).1 += 1;
        }
    }

    /// One of the calls for `kind` of `subject` was answered.
    pub fn answered(&self, kind: &'static str, subject: &str) {
        let mut open = held(&self.open);
        let key = (kind, subject.to_owned());
        if let Some(entry) = open.get_mut(&key) {
            entry.1 = entry.1.saturating_sub(1);
            if entry.1 == 0 {
                open.remove(&key);
            }
        }
    }

    /// Nothing is open any more of `kind` of `subject`.
    pub fn settled(&self, kind: &'static str, subject: &str) {
        held(&self.open).remove(&(kind, subject.to_owned()));
    }

    /// Notes of everything that is open that time ran out.
    pub fn give_up(&self, after: Duration) {
        let open = std::mem::take(&mut *held(&self.open));
        for ((kind, subject), (call, _)) in open {
            let needs = format!("an answer to {call} within {} s (--timeout)", after.as_secs_f64());
            self.note(kind, &subject, Outcome::Refused { needs, said: "timed out".into() });
        }
    }

    /// What became of one sending of `call`. A refusal stays, whatever else comes back; that there is none was readable.
    pub fn count(&self, call: &'static str, outcome: Outcome) {
        let mut tally = held(&self.tally);
        let kept = tally.entry(call).or_insert(Outcome::Found);
        if !matches!(kept, Outcome::Refused { .. }) {
            *kept = if outcome == Outcome::Absent { Outcome::Found } else { outcome };
        }
    }

    /// What became of `call` so far; `None` where it was not sent.
    #[must_use]
    pub fn tried(&self, call: &str) -> Option<Outcome> {
        held(&self.tally).get(call).cloned()
    }

    /// Hands in a document, without the white space around its text: it is lost when a snapshot is saved, and with it the lines
    /// would no longer be the same.
    pub fn document(&self, mut document: Document) {
        self.read.store(true, Ordering::Relaxed);
        let trimmed = document.text.trim();
        if trimmed.len() < document.text.len() {
            document.text = trimmed.into();
        }
        self.written(self.sink.document(document));
    }

    /// Notes what became of looking for `kind` of `subject`.
    pub fn note(&self, kind: &str, subject: &str, outcome: Outcome) {
        self.written(self.sink.search(Search { kind: kind.into(), subject: subject.into(), outcome }));
    }

    /// Was any document read at all?
    #[must_use]
    pub fn anything_read(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    /// Keeps the first error of the sink.
    pub fn written(&self, result: std::io::Result<()>) {
        if let Err(error) = result {
            held(&self.write_error).get_or_insert_with(|| error.to_string());
        }
    }

    /// The first error of the sink.
    #[must_use]
    pub fn write_error(&self) -> Option<String> {
        held(&self.write_error).clone()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::collect::{Gathered, Quiet};
    use crate::snapshot::Outcome;
    use std::time::Duration;

    #[test]
    fn what_is_open_when_time_runs_out_is_noted_and_nothing_else() {
        let sink = Gathered::default();
        let ledger = Ledger::new(&sink, &Quiet);
        ledger.expect("x:role", "twice", "GetRole");
        ledger.expect("x:role", "twice", "ListRoles");
        ledger.answered("x:role", "twice");
        ledger.expect("x:role", "once", "GetRole");
        ledger.answered("x:role", "once");
        ledger.expect("", "nobody asks", "Whoami");
        ledger.give_up(Duration::from_millis(1500));
        let snapshot = sink.into_snapshot(&[], String::new());
        let [search] = snapshot.searches() else { panic!("{:?}", snapshot.searches()) };
        assert_eq!(&*search.subject, "twice");
        let needs = "an answer to GetRole within 1.5 s (--timeout)".to_owned();
        assert_eq!(search.outcome, Outcome::Refused { needs, said: "timed out".into() });
    }

    #[test]
    fn a_refusal_is_remembered_whatever_comes_after_it() {
        let sink = Gathered::default();
        let ledger = Ledger::new(&sink, &Quiet);
        let refused = Outcome::Refused { needs: "x".into(), said: "no".into() };
        ledger.count("GetRole", refused.clone());
        ledger.count("GetRole", Outcome::Found);
        ledger.count("GetUser", Outcome::Absent);
        assert_eq!((ledger.tried("GetRole"), ledger.tried("GetUser"), ledger.tried("x")), (Some(refused), Some(Outcome::Found), None));
    }
}
