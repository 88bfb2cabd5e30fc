//! The gateway through its front door: real HTTP, a real database and media folder, providers played by the sandbox.

mod it {
    mod accepted;
    mod accounts;
    mod any_input;
    mod balance;
    mod clients;
    mod command_line;
    mod compatible;
    mod dry_run;
    mod edits;
    mod explain;
    mod exports;
    mod failover;
    mod generations;
    mod hang_up;
    mod harness;
    mod key_limits;
    mod key_orders;
    mod keys;
    mod ledger;
    mod lifecycle;
    mod limits;
    mod links;
    mod logs;
    mod media;
    mod mistakes;
    mod models;
    mod money;
    mod openapi;
    mod own_catalog;
    mod pages;
    mod parameters;
    mod partial;
    mod partial_images;
    mod payloads;
    mod protocols;
    mod requests;
    mod retention;
    mod router;
    mod settings;
    mod shutdown;
    mod streams;
    mod upstreams;
    mod usage;
}
