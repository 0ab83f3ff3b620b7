//! A TCP proxy that loses, delays or breaks off what passes through it, at the test's command.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    target: SocketAddr,
    mode: Mode,
    connections: Vec<Weak<Connection>>,
}

#[derive(Clone, Copy)]
enum Mode {
    Pass,
    Delay(Duration),
    Blackhole,
    /// After so many more bytes of replies.
    Reset(usize),
    Cut,
    Ended,
}

struct Connection {
    client: TcpStream,
    /// None until it is reached.
    server: OnceLock<TcpStream>,
    closed: AtomicBool,
}

impl Proxy {
    /// A proxy that passes everything on to this address.
    pub fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Mutex::new(State { target, mode: Mode::Pass, connections: Vec::new() });
        let shared = Arc::new(Shared { state, changed: Condvar::new() });
        let listener = thread::spawn({
            let shared = shared.clone();
            move || shared.listen(&listener)
        });
        Self { address, shared, listener: Some(listener) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Leads new connections to this address; those that are there stay where they are.
    pub fn retarget(&self, target: SocketAddr) {
        self.shared.state.lock().unwrap().target = target;
    }

    /// Passes everything on, also what a blackhole has held back.
    pub fn pass(&self) {
        self.shared.switch(Mode::Pass);
    }

    /// Closes all connections, and every new one at once.
    pub fn cut(&self) {
        self.shared.switch(Mode::Cut);
    }

    /// Holds back every chunk, in either direction, by so long.
    pub fn delay(&self, by: Duration) {
        self.shared.switch(Mode::Delay(by));
    }

    /// Keeps all connections open and accepts new ones, but passes nothing on, not even their end.
    pub fn blackhole(&self) {
        self.shared.switch(Mode::Blackhole);
    }

    /// Lets so many more bytes of replies pass, then resets the connection whose reply it is; the others
    /// and new ones go on. To be called before the request is sent, and for requests of less than 16 KiB;
    /// else it is a mere close.
    pub fn reset_replies_after(&self, bytes: usize) {
        self.shared.switch(Mode::Reset(bytes));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.switch(Mode::Ended);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Shared {
    fn switch(&self, mode: Mode) {
        let mut state = self.state.lock().unwrap();
        state.mode = mode;
        if matches!(mode, Mode::Cut | Mode::Ended) {
            for connection in state.connections.drain(..).filter_map(|weak| weak.upgrade()) {
                connection.close(Shutdown::Both);
            }
        }
        self.changed.notify_all();
    }

    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let mut state = self.state.lock().unwrap();
            match state.mode {
                Mode::Ended => return,
                Mode::Cut => continue,
                _ => (),
            }
            let connection =
                Arc::new(Connection { client, server: OnceLock::new(), closed: AtomicBool::new(false) });
            state.connections.retain(|weak| weak.strong_count() > 0);
            state.connections.push(Arc::downgrade(&connection));
            let shared = self.clone();
            thread::spawn(move || shared.serve(connection));
        }
    }

    fn serve(self: Arc<Self>, connection: Arc<Connection>) {
        if !self.may_go_on(&connection) {
            return;
        }
        let target = self.state.lock().unwrap().target;
        let Ok(server) = TcpStream::connect(target) else { return };
        let _ = server.set_nodelay(true);
        let _ = connection.client.set_nodelay(true);
        let server = connection.server.get_or_init(|| server);
        // It may have been cut just before the server was there to be closed.
        if connection.is_closed() {
            return;
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = self.pass_requests(&connection, server);
                let _ = server.shutdown(Shutdown::Write);
            });
            let _ = self.pass_replies(&connection, server);
            if !connection.is_closed() {
                let _ = connection.client.shutdown(Shutdown::Write);
            }
        });
    }

    /// Waits as the mode demands; false when the connection has been closed meanwhile.
    fn may_go_on(&self, connection: &Connection) -> bool {
        let start = Instant::now();
        let mut state = self.state.lock().unwrap();
        while !connection.is_closed() {
            let wait = match state.mode {
                Mode::Blackhole => Duration::from_secs(3600),
                Mode::Delay(by) => by.saturating_sub(start.elapsed()),
                _ => return true,
            };
            if wait.is_zero() {
                return true;
            }
            state = self.changed.wait_timeout(state, wait).unwrap().0;
        }
        false
    }

    fn pass_requests(&self, connection: &Connection, mut server: &TcpStream) -> io::Result<()> {
        let mut client = &connection.client;
        let mut chunk = [0; 16 * 1024];
        // Bytes that have been passed on but not yet read.
        let mut ahead = 0;
        let mut was_full = false;
        loop {
            // A broken connection is an end like any other, and held back like one.
            let n = client.peek(&mut chunk).unwrap_or(0);
            if n == ahead && n > 0 {
                // With a byte unread, peek does not wait for more.
                thread::sleep(Duration::from_millis(2));
            } else if !self.may_go_on(connection) || n == 0 {
                return Ok(());
            } else {
                server.write_all(&chunk[ahead..n])?;
                ahead = n;
            }
            // To close a socket that has something unread is how to send a reset without unsafe code. Not
            // after a full chunk, though: the whole packet stays in memory, and big ones shut the window.
            let is_full = n == chunk.len();
            let kept = {
                let state = self.state.lock().unwrap();
                if connection.is_closed() {
                    return Ok(());
                }
                usize::from(!is_full && !was_full && matches!(state.mode, Mode::Reset(_)))
            };
            client.read_exact(&mut chunk[..ahead - kept])?;
            (ahead, was_full) = (kept, is_full);
        }
    }

    fn pass_replies(&self, connection: &Connection, mut server: &TcpStream) -> io::Result<()> {
        let mut client = &connection.client;
        let mut chunk = [0; 16 * 1024];
        loop {
            let n = server.read(&mut chunk).unwrap_or(0);
            if !self.may_go_on(connection) || n == 0 {
                return Ok(());
            }
            let n = self.share(connection, n);
            client.write_all(&chunk[..n])?;
            if connection.is_closed() {
                connection.close(Shutdown::Read);
                return Ok(());
            }
        }
    }

    /// How many of `n` bytes of a reply may pass; marks the connection as closed if they are its last.
    fn share(&self, connection: &Connection, n: usize) -> usize {
        let mut state = self.state.lock().unwrap();
        match state.mode {
            Mode::Reset(left) if left <= n => {
                state.mode = Mode::Pass;
                connection.closed.store(true, SeqCst);
                left
            }
            Mode::Reset(left) => {
                state.mode = Mode::Reset(left - n);
                n
            }
            _ => n,
        }
    }
}

impl Connection {
    fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// The client's side may be spared the orderly end, so that it gets a reset.
    fn close(&self, client: Shutdown) {
        self.closed.store(true, SeqCst);
        let _ = self.client.shutdown(client);
        if let Some(server) = self.server.get() {
            let _ = server.shutdown(Shutdown::Both);
        }
    }
}
