//! The sandbox through its front door: real HTTP against every emulator.

mod it {
    mod control;
    mod fal;
    mod fal_faults;
    mod harness;
    mod hooks;
    mod mock;
    mod openai_edits;
    mod openai_errors;
    mod openai_faults;
    mod openai_images;
    mod openai_stream;
    mod replicate;
    mod replicate_faults;
    mod server;
}
