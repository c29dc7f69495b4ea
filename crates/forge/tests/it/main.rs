//! What the homes of issues and pull requests do, asked over the wire.

mod github;
