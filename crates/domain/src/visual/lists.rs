//! The lists that stand unless a repository says otherwise, with a reason for each group.

/// Patterns that are listed for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// The reason.
    pub why: &'static str,
    /// The patterns.
    pub patterns: &'static [&'static str],
}

/// What does not show. Each ends with an ending or is a name: no folder is let by for what may be put into it later.
pub const NON_VISUAL: [Group; 5] = [
    Group {
        why: "code of languages that draw nothing by themselves, and its tests",
        patterns: &["**/*.rs", "**/*.go", "**/*.py", "**/*.pyi", "**/*.sh", "**/*.bash", "**/*.sql", "**/*.proto"],
    },
    Group {
        why: "prose for those who work on the code, read as text",
        patterns: &["**/*.md", "**/*.rst", "**/*.adoc", "**/LICENSE", "**/NOTICE"],
    },
    Group {
        why: "what such code is built from",
        patterns: &[
            "**/Cargo.toml",
            "**/Cargo.lock",
            "**/go.mod",
            "**/go.sum",
            "**/pyproject.toml",
            "**/requirements*.txt",
            "**/poetry.lock",
            "**/uv.lock",
            "**/rust-toolchain.toml",
            "**/rustfmt.toml",
            "**/clippy.toml",
            "**/deny.toml",
        ],
    },
    Group {
        why: "how it is built",
        patterns: &[
            "**/BUILD",
            "**/BUILD.bazel",
            "**/*.bzl",
            "**/MODULE.bazel",
            "**/MODULE.bazel.lock",
            "**/WORKSPACE",
            "**/Makefile",
            "**/justfile",
            "**/Dockerfile",
        ],
    },
    Group {
        why: "rules of who may reach whom: nobody sees them",
        patterns: &[
            "**/networkpolicy.yaml",
            "**/network-policy.yaml",
            "**/*-networkpolicy.yaml",
            "**/*-network-policy.yaml",
        ],
    },
];

/// What shows whatever its ending: where such things are kept, code too writes what people see.
pub const SHOWN: [Group; 4] = [
    Group {
        why: "sites and front ends",
        patterns: &[
            "**/websites/**",
            "**/website/**",
            "**/site/**",
            "**/sites/**",
            "**/web/**",
            "**/webapp/**",
            "**/www/**",
            "**/*frontend*/**",
            "**/*front-end*/**",
            "**/ui/**",
            "**/*-ui/**",
            "**/*_ui/**",
            "**/ui-*/**",
            "**/gui/**",
            "**/tui/**",
            "**/storybook/**",
        ],
    },
    Group {
        why: "dashboards and their manifests",
        patterns: &["**/*dashboard*", "**/*dashboard*/**", "**/*grafana*/**"],
    },
    Group {
        why: "what pages are made of",
        patterns: &[
            "**/templates/**",
            "**/layouts/**",
            "**/views/**",
            "**/views.*",
            "**/components/**",
            "**/widgets/**",
            "**/screens/**",
            "**/pages/**",
            "**/partials/**",
            "**/themes/**",
            "**/styles/**",
            "**/static/**",
            "**/public/**",
            "**/assets/**",
            "**/images/**",
            "**/emails/**",
        ],
    },
    Group {
        why: "text that is published",
        patterns: &["**/content/**", "**/blog/**", "**/posts/**", "**/_posts/**", "**/locales/**", "**/i18n/**"],
    },
];

/// What no agent's change may touch by itself, in any repository.
pub const PROTECTED: [Group; 8] = [
    Group { why: "it is the policy itself", patterns: &[".gapwright/**"] },
    Group { why: "it says who must agree to a change", patterns: &["**/CODEOWNERS", "**/OWNERS", "**/MAINTAINERS"] },
    Group {
        why: "it decides what CI runs, with which rights",
        patterns: &[
            ".github/**",
            ".ci/**",
            ".circleci/**",
            ".buildkite/**",
            "**/.gitlab-ci.yml",
            "**/Jenkinsfile",
            "**/azure-pipelines.yml",
            "**/bitbucket-pipelines.yml",
            "**/action.yml",
            "**/action.yaml",
        ],
    },
    Group {
        why: "it decides what git fetches, hides or shows",
        patterns: &["**/.gitattributes", "**/.gitmodules", "**/.gitignore", "**/.lfsconfig"],
    },
    Group {
        why: "it runs by itself on people's machines",
        patterns: &[
            "**/.githooks/**",
            "**/.husky/**",
            "**/.pre-commit-config.yaml",
            "**/lefthook.yml",
            "**/.envrc",
            "**/.vscode/**",
            "**/.idea/**",
            "**/.devcontainer/**",
        ],
    },
    Group {
        why: "it tells agents what to do, or what they may use",
        patterns: &[
            "**/.claude/**",
            "**/.claude-plugin/**",
            "**/.mcp.json",
            "**/CLAUDE.md",
            "**/CLAUDE.local.md",
            "**/AGENTS.md",
            "**/GEMINI.md",
            "**/SKILL.md",
            "**/.cursor/**",
            "**/.cursorrules",
            "**/.codex/**",
            "plugin/**",
            "**/prompts/**",
        ],
    },
    Group { why: "it is a hidden folder, where tools keep what they obey", patterns: &["**/.*/**"] },
    Group { why: "it is a hidden file, by which a tool is set", patterns: &["**/.*"] },
];

/// The lists as text, a row per group.
pub fn table() -> String {
    let lists = [
        ("What does not show", &NON_VISUAL[..], ""),
        ("What shows all the same", &SHOWN[..], "!"),
        ("What is always protected", &PROTECTED[..], ""),
    ];
    let mut lines = Vec::new();
    for (title, groups, mark) in lists {
        lines.push(format!("\n### {title}\n\n| why | paths |\n|---|---|"));
        for group in groups {
            let patterns: Vec<_> = group.patterns.iter().map(|pattern| format!("`{mark}{pattern}`")).collect();
            lines.push(format!("| {} | {} |", group.why, patterns.join(" ")));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_and_no_unknown_ending_is_on_the_default_list() {
        for pattern in NON_VISUAL.iter().flat_map(|group| group.patterns) {
            let name = pattern.rsplit('/').next().unwrap_or_default();
            let ending = name.rsplit('.').next().unwrap_or_default();
            assert!(!ending.is_empty() && !ending.contains(['*', '?']), "{pattern}");
            assert!(!name.contains('*') || name.contains('.'), "{pattern}");
        }
    }

    #[test]
    fn the_lists_are_the_ones_that_the_documents_show() {
        let page = include_str!("../../../../docs/reference/visual.md");
        let shown = page.split("<!-- lists -->\n").nth(1).unwrap_or_default();
        assert_eq!(shown, table(), "docs/reference/visual.md, after its marker, is to read:\n{}", table());
    }
}
