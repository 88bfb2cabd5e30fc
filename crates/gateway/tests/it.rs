//! The gateway through its front door: real HTTP, a real database and media folder, providers played by the sandbox.

mod it {
    mod any_input;
    mod balance;
    mod dry_run;
    mod edits;
    mod failover;
    mod generations;
    mod hang_up;
    mod harness;
    mod keys;
    mod limits;
    mod links;
    mod logs;
    mod media;
    mod mistakes;
    mod models;
    mod openapi;
    mod parameters;
    mod partial;
    mod requests;
    mod router;
    mod settings;
    mod shutdown;
    mod streams;
    mod upstreams;
}
