// Package loadgen drives an HTTP/1.1 server with prepared requests over keep-alive connections and measures what comes back.
//
// In the closed model every connection sends its next request when it has the answer to the last: it finds out
// how much a server can do, and is blind to a stall, during which it sends nothing. In the open model requests
// arrive at times that do not depend on the server, and latency counts from the intended time, so that a request
// that had to wait for a free connection shows the wait (no coordinated omission,
// https://www.scylladb.com/2021/04/22/on-coordinated-omission/). How late the generator itself was, with a
// connection free and a request due, is part of that latency too, for a reader must not be told a figure that
// nobody measured; it is also recorded apart, as the send lag, so that its share is known.
//
// It imports nothing else of the project.
package loadgen

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says what a run sends, when, and for how long. The zero value of a field marked "default" takes it.
type Config struct {
	URL           string                    // http://host[:port]/path
	Headers       []Header                  // of every request
	ClientHeaders func(client int) []Header // of one client's requests besides, such as its Authorization; may be nil
	Bodies        []Body                    // sent in rotation; read only, and not to be modified during the run

	Connections      int           // each is one client, numbered from 0
	FreshConnections bool          // a new connection for every request, with Connection: close
	Arrivals         Pacer         // the open model's; nil is the closed model. A pacer serves one run
	Think            time.Duration // closed model: between an answer and the client's next request

	WarmUp   time.Duration // precedes the measured part; nothing of it is counted
	Duration time.Duration // of the measured part; 0 is no limit
	Requests int           // intended in the measured part, shared evenly by the clients in the closed model; 0 is no limit
	Drain    time.Duration // open model: how long after Duration late requests are still sent; default 1s

	DialTimeout    time.Duration // default 5s
	RequestTimeout time.Duration // from the send, and dialling if it must, to the end of the answer; default 10s. It may fire 1/64 later

	Began         func()                                      // called once, when the measured part begins; may be nil
	SnapshotEvery time.Duration                               // interval of Snapshot; default 1s
	Snapshot      func(since time.Duration, interval *Result) // what happened since the last call, valid during the call; may be nil
}

// Header is one field of a request's head.
type Header struct{ Name, Value string }

// Body is the content of a request and the number of metrics in it.
type Body struct {
	Data    []byte
	Metrics int
}

// withDefaults returns c with its defaults filled in, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		unset time.Duration
	}{
		{"Think", &c.Think, 0}, {"WarmUp", &c.WarmUp, 0}, {"Duration", &c.Duration, 0}, {"Drain", &c.Drain, time.Second},
		{"DialTimeout", &c.DialTimeout, 5 * time.Second}, {"RequestTimeout", &c.RequestTimeout, 10 * time.Second},
		{"SnapshotEvery", &c.SnapshotEvery, time.Second},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%s is %v; it cannot be negative", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	switch {
	case c.Connections < 1:
		return c, fmt.Errorf("%d connections; at least 1 is needed", c.Connections)
	case len(c.Bodies) == 0:
		return c, errors.New("no bodies; at least one is needed")
	case c.Requests < 0:
		return c, fmt.Errorf("%d requests; the number cannot be negative", c.Requests)
	case c.Duration == 0 && c.Requests == 0:
		return c, errors.New("neither Duration nor Requests is set; the run would not end")
	case c.Arrivals != nil && c.Think > 0:
		return c, errors.New("a think time belongs to the closed model, arrivals to the open one")
	}
	return c, nil
}

// target is where the requests go.
type target struct{ addr, host, path string }

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return target{}, err
	case u.Scheme != "http":
		return target{}, fmt.Errorf("URL %q does not begin with http://", raw)
	case u.Hostname() == "":
		return target{}, fmt.Errorf("URL %q has no host", raw)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return target{addr: net.JoinHostPort(u.Hostname(), port), host: u.Host, path: u.RequestURI()}, nil
}

// appendHead appends what comes before the Content-Length of every request of one client.
func (c *Config) appendHead(dst []byte, to target, client int) ([]byte, error) {
	dst = append(dst, "POST "+to.path+" HTTP/1.1\r\nHost: "+to.host+"\r\n"...)
	headers := c.Headers
	if c.ClientHeaders != nil {
		headers = append(headers[:len(headers):len(headers)], c.ClientHeaders(client)...)
	}
	for _, h := range headers {
		if err := h.check(); err != nil {
			return nil, fmt.Errorf("client %d: %w", client, err)
		}
		dst = append(dst, h.Name+": "+h.Value+"\r\n"...)
	}
	if c.FreshConnections {
		dst = append(dst, "Connection: close\r\n"...)
	}
	return dst, nil
}

// appendTail appends the end of the head, and the body: the same bytes for every client, so that a list of bodies
// is held once, and each connection holds the one that it sends.
func (b Body) appendTail(dst []byte) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(b.Data)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, b.Data...)
}

func (h Header) check() error {
	for _, ours := range []string{"Host", "Content-Length", "Transfer-Encoding", "Connection"} {
		if strings.EqualFold(h.Name, ours) {
			return fmt.Errorf("header %s is written by the generator", ours)
		}
	}
	if !isToken([]byte(h.Name)) {
		return fmt.Errorf("%q is no name of a header", h.Name)
	}
	for i := range len(h.Value) {
		if c := h.Value[i]; c < ' ' && c != '\t' || c == 0x7F {
			return fmt.Errorf("header %s has a control character at byte %d", h.Name, i)
		}
	}
	return nil
}

// isToken reports whether s is a token of RFC 9110, section 5.6.2.
func isToken(s []byte) bool {
	for _, c := range s {
		if c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return len(s) > 0
}
