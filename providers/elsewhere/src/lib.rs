//! Refusals that no cloud's IAM decides: Kubernetes, meshes, gateways, web application firewalls, registries, browsers.
