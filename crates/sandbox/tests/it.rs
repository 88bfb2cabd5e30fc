//! The sandbox through its front door: real HTTP against every emulator.

mod it {
    mod ark;
    mod bfl;
    mod compatible;
    mod control;
    mod dashscope;
    mod fal;
    mod fal_faults;
    mod fal_models;
    mod fireworks;
    mod gemini;
    mod harness;
    mod hooks;
    mod mock;
    mod openai_edits;
    mod openai_errors;
    mod openai_faults;
    mod openai_images;
    mod openai_stream;
    mod openrouter;
    mod own_clients;
    mod replicate;
    mod replicate_faults;
    mod replicate_models;
    mod runware;
    mod server;
    mod stability;
    mod vertex;
    mod xai;
}
