# The recipes of this repository. `just` lists them.

default:
    @just --list

# Start the server on SQLite.
run *ARGS:
    cargo run --release -- serve {{ARGS}}

# Everything that CI runs.
ci:
    ./test

# Some stages of ./test: packages format lint rust clients
test *STAGES:
    ./test {{STAGES}}

# Formatting and lints, mended where a machine can.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --fix --allow-dirty --allow-staged

# What takes too long for CI.
nightly:
    ./test
    nightly/run

# Measure: cycles per second and latency through MCP on both engines, beside the bare engines.
bench *ARGS:
    bench/run {{ARGS}}

# Licences, advisories, duplicate crates, sources. Wants cargo-deny: cargo install cargo-deny --locked
deny:
    cargo deny check
