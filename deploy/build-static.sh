#!/usr/bin/env bash
# Programs without any library, for x86-64 and arm64, in target/static. Needs rustup, and Zig as the C compiler of both:
#   pip install ziglang && cargo install --locked cargo-zigbuild
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

targets=("${@:-x86_64-unknown-linux-musl}")
[ $# -gt 0 ] || targets+=(aarch64-unknown-linux-musl)
for target in "${targets[@]}"; do
  rustup target add "$target"
  cargo zigbuild --locked --release --package gateway --target "$target"
  install -D -m 0755 "target/$target/release/pictor" "target/static/pictor-${target%%-*}"
done
(cd target/static && sha256sum pictor-* > SHA256SUMS && cat SHA256SUMS)
