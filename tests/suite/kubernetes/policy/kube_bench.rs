//! What kube-bench says of roots that were made of our payloads.
