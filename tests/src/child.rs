//! Programs that end with their test, and with this process however that ends.

use crate::until::{DEADLINE, until, until_blocking};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, LazyLock, Mutex, mpsc};
use std::time::Instant;

/// A running program and all it has printed.
pub struct Child {
    name: &'static str,
    process: std::process::Child,
    stdout: Log,
    stderr: Log,
}

type Log = Arc<Mutex<String>>;

impl Child {
    /// Starts `command` and keeps what it prints.
    pub fn spawn(name: &'static str, mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = spawn(command).unwrap_or_else(|error| panic!("start {name}: {error}"));
        let stdout = keep(process.stdout.take().expect("stdout is piped"));
        let stderr = keep(process.stderr.take().expect("stderr is piped"));
        Self { name, process, stdout, stderr }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    pub fn stdout(&self) -> String {
        self.stdout.lock().expect("the reader does not panic").clone()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().expect("the reader does not panic").clone()
    }

    /// Everything printed so far, for a failure's message.
    pub fn log(&self) -> String {
        format!(
            "--- {} (pid {}), stdout:\n{}--- stderr:\n{}---",
            self.name,
            self.pid(),
            self.stdout(),
            self.stderr()
        )
    }

    pub fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("ask for the exit status").is_some()
    }

    /// Waits until a line on stdout starts with `prefix`, and returns its rest.
    pub async fn line(&mut self, prefix: &str) -> String {
        until(&format!("{} prints `{prefix}`", self.name), async || self.look_for(prefix)).await
    }

    pub(crate) fn line_blocking(&mut self, prefix: &str) -> String {
        until_blocking(&format!("{} prints `{prefix}`", self.name), || self.look_for(prefix))
    }

    fn look_for(&mut self, prefix: &str) -> Option<String> {
        let ended = self.has_ended(); // asked first: what it printed last still counts
        let found =
            self.stdout().lines().find_map(|line| line.strip_prefix(prefix).map(str::to_owned));
        assert!(
            found.is_some() || !ended,
            "{} ended before it printed `{prefix}`\n{}",
            self.name,
            self.log()
        );
        found
    }

    /// The same on stderr.
    pub async fn line_on_stderr(&self, prefix: &str) -> String {
        let found =
            || self.stderr().lines().find_map(|line| line.strip_prefix(prefix).map(str::to_owned));
        until(&format!("{} says `{prefix}`", self.name), async || found()).await
    }

    /// Waits until stderr holds `text`.
    pub async fn says(&self, text: &str) {
        let what = format!("{} says `{text}`\n{}", self.name, self.log());
        until(&what, async || self.stderr().contains(text).then_some(())).await;
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a pid fits");
        kill(Pid::from_raw(pid), signal)
            .unwrap_or_else(|error| panic!("send {signal} to {}: {error}", self.name));
    }

    /// Waits for the end by itself.
    pub async fn ends(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.name);
        until(&what, async || self.process.try_wait().expect("ask for the exit status")).await
    }

    /// Asks it to stop, as a service manager does, and waits until it has.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ends().await
    }
}

impl Drop for Child {
    /// Asks first and kills after the deadline, and shows the log of a failed test.
    fn drop(&mut self) {
        let end = Instant::now() + DEADLINE;
        if !self.has_ended() {
            self.signal(Signal::SIGTERM);
        }
        while !self.has_ended() {
            if Instant::now() > end {
                eprintln!("{} does not stop, so it is killed", self.name);
                let _ = self.process.kill();
                let _ = self.process.wait();
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

/// What a program that ended by itself has left.
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// That it failed in an orderly way, with an exit code and not by a signal.
    #[track_caller]
    pub fn failed(&self) -> &str {
        assert!(self.status.code().is_some_and(|code| code != 0), "{}", self.describe());
        assert!(!self.stderr.contains("panicked"), "{}", self.describe());
        &self.stderr
    }

    #[track_caller]
    pub fn succeeded(&self) -> &str {
        assert!(self.status.success(), "{}", self.describe());
        &self.stderr
    }

    fn describe(&self) -> String {
        let signal = self.status.signal();
        format!(
            "{} (signal {signal:?})\n--- stdout:\n{}--- stderr:\n{}",
            self.status, self.stdout, self.stderr
        )
    }
}

/// Runs a program that should end by itself.
pub async fn run(name: &'static str, command: Command) -> Outcome {
    let mut child = Child::spawn(name, command);
    let status = child.ends().await;
    // The pipes close with the program; their readers may still be at it.
    let readers = [child.stdout.clone(), child.stderr.clone()];
    until("its output is read to the end", async || {
        readers.iter().all(|log| Arc::strong_count(log) == 2).then_some(())
    })
    .await;
    Outcome { status, stdout: child.stdout(), stderr: child.stderr() }
}

fn keep(pipe: impl Read + Send + 'static) -> Log {
    let log = Log::default();
    let writer = log.clone();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            writer
                .lock()
                .expect("nobody panics with the log")
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    log
}

type Order = (Command, mpsc::Sender<io::Result<std::process::Child>>);

/// The thread that starts every program. Linux signals a child when the
/// *thread* that started it ends, so that has to be one that never does.
static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    std::thread::spawn(move || {
        for (mut command, reply) in inbox {
            let _ = reply.send(command.spawn());
        }
    });
    orders
});

fn spawn(mut command: Command) -> io::Result<std::process::Child> {
    die_with_us(&mut command);
    let (reply, result) = mpsc::channel();
    SPAWNER.send((command, reply)).expect("the spawner never ends");
    result.recv().expect("the spawner answers")
}

/// Has the kernel send SIGTERM when this process dies, even by SIGKILL.
#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let end_with_parent =
        || nix::sys::prctl::set_pdeathsig(Signal::SIGTERM).map_err(io::Error::from);
    #[expect(
        unsafe_code,
        reason = "between fork and exec only one system call is made, which is allowed there"
    )]
    unsafe {
        command.pre_exec(end_with_parent);
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {}
