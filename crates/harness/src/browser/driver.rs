//! The process that drives Chromium: started, and ended with every process that came of it.
//!
//! A shell script watches the test: when its standard input closes, because the browser is dropped or because the test
//! process died in whatever way, it kills the driver's process group and whoever else bears the browser's folder in its
//! environment (Chromium's crash handlers leave the group), and removes the folder.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// What it is called where it is installed.
pub(super) const PROGRAM: &str = "chromedriver";

/// What to do when there is none.
pub(super) const MISSING: &str = "chromedriver is not installed: apt-get install -y chromium chromium-driver";

/// Runs `$program` with all that it writes in `$home` until standard input closes. What was told to die is looked
/// for again, at most 1000 times, so that none writes into the folder while it is removed. What is dead and only waits to
/// be reaped by the machine's first process counts as gone.
const SCRIPT: &str = r#"
home=$1 program=$2
command -v "$program" >/dev/null || { echo missing; rm -rf "$home"; exit 1; }
HOME=$home TMPDIR=$home setsid "$program" --port=0 </dev/null 2>/dev/null &
echo "group $!"
exec >/dev/null 2>&1
read -r _
group=$!
kill -KILL "-$group"
in_group() { cat /proc/[0-9]*/stat | sed 's/^\([0-9]*\) .*) /\1 /' | awk -v group="$group" '$4 == group && $2 !~ /[ZX]/ { print $1 }'; }
with_home() { grep -lsF -- "$home" /proc/[0-9]*/environ | cut -d/ -f3; }
looks=0
while left=$(in_group; with_home); [ -n "$left" ] && [ "$looks" -lt 1000 ]; do
  kill -KILL $left
  looks=$((looks + 1))
done
wait
rm -rf "$home"
"#;

/// A running driver. Dropped, it is gone when the drop returns, and so are Chromium and the folder of both.
#[derive(Debug)]
pub(super) struct Driver {
    keeper: Child,
    /// The port of this machine at which it listens.
    pub(super) port: u16,
    /// Its process group, to which Chromium belongs.
    pub(super) group: u32,
    /// The folder of all that the driver and Chromium write.
    pub(super) home: PathBuf,
}

impl Driver {
    /// Starts one and waits until it says at which port it listens. Blocks.
    pub(super) fn start(program: &str) -> Self {
        let home = tempfile::Builder::new().prefix("browser-").tempdir().expect("a folder").keep();
        let mut keeper = Command::new("sh")
            .args(["-c", SCRIPT, "browser"])
            .arg(&home)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let mut lines = BufReader::new(keeper.stdout.take().expect("its output")).lines();
        let (group, port) = started(&mut lines);
        // Its output is read on, so that it never waits for a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { keeper, port, group, home }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // While a test panics there is nobody left to tell.
        drop(self.keeper.wait());
    }
}

/// The process group and the port, as they are said, in whatever order: the driver may be there before its shell goes on.
fn started(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> (u32, u16) {
    let (mut group, mut port, mut last) = (None, None, String::new());
    for line in lines.map_while(Result::ok) {
        assert!(line != "missing", "{MISSING}");
        if let Some(said) = line.strip_prefix("group ") {
            group = said.parse().ok();
        }
        if let Some((_, said)) = line.split_once("started successfully on port ") {
            port = Some(said.trim_end_matches('.').parse().expect("a port"));
        }
        if let (Some(group), Some(port)) = (group, port) {
            return (group, port);
        }
        last = line;
    }
    panic!("chromedriver ended before it listened: {last}")
}

#[cfg(test)]
mod tests {
    use super::{Driver, started};

    #[test]
    fn a_driver_may_say_its_port_before_its_shell_says_its_group() {
        let (port, group) = ("ChromeDriver was started successfully on port 41793.", "group 7");
        for said in [[group, port], [port, group]] {
            assert_eq!(started(&mut said.map(str::to_owned).map(Ok).into_iter()), (7, 41_793));
        }
    }

    #[test]
    #[should_panic(expected = "chromedriver is not installed: apt-get install -y chromium chromium-driver")]
    fn a_driver_that_is_not_there_is_a_failure_and_says_what_to_install() {
        drop(Driver::start("chromedriver-that-nobody-installed"));
    }
}
