package server

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxRefusing bounds the goroutines that see refused connections off. Beyond it the answer is sent
	// all the same, but nobody waits for the client to take it.
	maxRefusing = 128
	// refuseWithin is how long a refused client may take to send its request, and again to take its answer.
	refuseWithin = time.Second
	maxDrained   = 256 << 10 // read from a refused client; one that sends more than that does not read
	// An accept that failed for want of a resource is tried again after a pause that doubles between these.
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// connLimit counts the open connections of one server, admits no more of them than it may have,
// and answers those that it refuses.
type connLimit struct {
	total, perIP int                     // 0 is no limit
	refusal      func(dst []byte) []byte // appends a whole HTTP response
	log          *slog.Logger
	refused      *prometheus.CounterVec
	refusing     chan struct{} // a token for each goroutine that sees a refused connection off

	mu    sync.Mutex
	conns map[*countedConn]struct{} // open ones; guarded by mu
	hosts map[netip.Prefix]int      // open ones of each; guarded by mu; empty unless perIP limits
}

func newConnLimit(total, perIP int, refusal func([]byte) []byte, log *slog.Logger, reg prometheus.Registerer) (*connLimit, error) {
	l := &connLimit{
		total:   total,
		perIP:   perIP,
		refusal: refusal,
		log:     log,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "metricstream_http_connections_refused_total",
			Help: "Connections answered 503 because there were too many, by the limit that was reached.",
		}, []string{"limit"}),
		refusing: make(chan struct{}, maxRefusing),
		conns:    make(map[*countedConn]struct{}),
		hosts:    make(map[netip.Prefix]int),
	}
	for _, limit := range []string{"total", "per_ip"} {
		l.refused.WithLabelValues(limit)
	}
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "metricstream_http_connections",
		Help: "Open connections to the data port.",
	}, func() float64 { return float64(l.open()) })
	return l, errors.Join(reg.Register(open), reg.Register(l.refused))
}

// host returns whom a connection from addr counts for. An IPv6 host is given a whole /64 (RFC 7421)
// and takes a new address in it at will, so the /64 is what one limit is for.
func host(addr net.Addr) netip.Prefix {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, _ := ip.Prefix(bits) // fails for an address without an IP: all those count for the zero Prefix
	return prefix
}

// countedConn is a connection that counts until it is closed. fasthttp's ConnState hook would spare the wrapper,
// but of a hijacked connection, such as one that lingers after an unread body, it never says that it was closed.
type countedConn struct {
	net.Conn
	limit *connLimit
	from  netip.Prefix // whom it counts for
}

// Close may be called repeatedly, and at once by several goroutines.
func (c *countedConn) Close() error {
	c.limit.leave(c)
	return c.Conn.Close()
}

// CloseWrite sends the end of the stream, and leaves what the peer sends to be read.
func (c *countedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn lets who reads wait for bytes before it has memory for them.
func (c *countedConn) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := c.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// admit counts conn in, or returns the limit that it is over.
func (l *connLimit) admit(conn net.Conn) (c *countedConn, limit string) {
	c = &countedConn{Conn: conn, limit: l}
	if l.perIP > 0 {
		c.from = host(conn.RemoteAddr())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total > 0 && len(l.conns) >= l.total {
		return nil, "total"
	}
	if l.perIP > 0 {
		if l.hosts[c.from] >= l.perIP {
			return nil, "per_ip"
		}
		l.hosts[c.from]++
	}
	l.conns[c] = struct{}{}
	return c, ""
}

// leave counts c out, once.
func (l *connLimit) leave(c *countedConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.conns[c]; !open {
		return
	}
	delete(l.conns, c)
	if l.perIP == 0 {
		return
	}
	if l.hosts[c.from]--; l.hosts[c.from] == 0 {
		delete(l.hosts, c.from)
	}
}

func (l *connLimit) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// closeAll ends every open connection, in the middle of a request or not.
func (l *connLimit) closeAll() {
	l.mu.Lock()
	conns := slices.Collect(maps.Keys(l.conns))
	l.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the connection's own goroutine sees the error and ends
	}
}

// refuse answers c without holding up the accept loop, and closes it.
func (l *connLimit) refuse(c net.Conn) {
	select {
	case l.refusing <- struct{}{}:
		go func() {
			defer func() { <-l.refusing }()
			l.answer(c, refuseWithin)
		}()
	default:
		l.answer(c, 0)
	}
}

// answer sends the refusal and closes c. With patience it waits for the client twice, so long each.
// Before: net/http's client, for one, drops an answer that is there before its request.
// After: closing a socket that holds unread bytes, such as the rest of a request, resets it, and a reset
// can overtake the answer; hence the half-close, and the reading.
func (l *connLimit) answer(c net.Conn, patience time.Duration) {
	defer c.Close()
	if patience > 0 {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = c.Read(make([]byte, 1)) // a client that sends nothing is answered all the same
	}
	_ = c.SetWriteDeadline(time.Now().Add(refuseWithin)) // of no use with TCP: a new socket's buffer takes the answer at once
	if _, err := c.Write(l.refusal(nil)); err != nil || patience == 0 {
		return
	}
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, io.LimitReader(c, maxDrained))
	}
}

// wrap returns a listener that accepts from ln what l admits.
func (l *connLimit) wrap(ln net.Listener) *limitedListener {
	return &limitedListener{Listener: ln, limit: l, closed: make(chan struct{})}
}

// limitedListener is a listener under a connLimit.
type limitedListener struct {
	net.Listener
	limit  *connLimit
	once   sync.Once
	closed chan struct{}
}

// Accept returns the next connection within the limits. An error means that the listener is at its end.
func (ln *limitedListener) Accept() (net.Conn, error) {
	pause := time.Duration(0)
	for {
		conn, err := ln.Listener.Accept()
		if err != nil {
			if !passing(err) {
				return nil, err
			}
			if pause == 0 {
				ln.limit.log.Error("cannot accept connections; will try again until it works", "error", err)
			}
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			select {
			case <-time.After(pause):
				continue
			case <-ln.closed:
				return nil, net.ErrClosed
			}
		}
		if pause > 0 {
			ln.limit.log.Info("accepting connections again")
			pause = 0
		}
		c, limit := ln.limit.admit(conn)
		if c != nil {
			return c, nil
		}
		ln.limit.refused.WithLabelValues(limit).Inc()
		ln.limit.refuse(conn)
	}
}

// Close ends a pending Accept, also one that waits for its next try. It may be called repeatedly:
// Shutdown closes the listener, and has fasthttp do it once more.
func (ln *limitedListener) Close() (err error) {
	ln.once.Do(func() {
		close(ln.closed)
		err = ln.Listener.Close()
	})
	return err
}

// passing reports whether a failed accept may work later: the process or the kernel is out of something,
// or the connection died in the queue. accept(2) lists the network's own errors among those to retry.
func passing(err error) bool {
	for _, e := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM,
		syscall.EPROTO, syscall.ENETDOWN, syscall.ENOPROTOOPT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH,
		syscall.EOPNOTSUPP, syscall.ENETUNREACH,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
