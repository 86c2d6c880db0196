package loadgen

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConfigsThatAreRefused(t *testing.T) {
	header := func(name, value string) func(*Config) {
		return func(c *Config) { c.Headers = []Header{{name, value}} }
	}
	for _, tt := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.URL = "https://localhost/" }, "http://"},
		{func(c *Config) { c.URL = "http://:80/" }, "no host"},
		{func(c *Config) { c.URL = "http://a b/" }, "invalid character"},
		{func(c *Config) { c.Connections = 0 }, "connections"},
		{func(c *Config) { c.Bodies = nil }, "bodies"},
		{func(c *Config) { c.Requests = -1 }, "negative"},
		{func(c *Config) { c.Requests = 0 }, "would not end"},
		{func(c *Config) { c.Duration = -1 }, "Duration is -1ns"},
		{func(c *Config) { c.DialTimeout = -1 }, "DialTimeout"},
		{func(c *Config) { c.Think, c.Arrivals = 1, constant(t, 1) }, "think time"},
		{header("A B", ""), `"A B"`},
		{header("", ""), `""`},
		{header("X-Ä", ""), "no name"},
		{header("A", "x\r\nB: y"), "control character at byte 1"},
		{header("A", "\x7f"), "control character"},
		{header("content-length", "1"), "written by the generator"},
		{func(c *Config) {
			c.Connections = 3
			c.ClientHeaders = func(client int) []Header {
				return []Header{{"Authorization", string([]byte{'b' - byte(client)/2*'a'})}}
			}
		}, "client 2: header Authorization"},
	} {
		c := load("http://localhost:1/")
		tt.change(&c)
		r, err := Run(context.Background(), c)
		assert.ErrorContains(t, err, "cannot run the load: ")
		assert.ErrorContains(t, err, tt.want)
		assert.Nil(t, r)
	}
}

func TestDefaults(t *testing.T) {
	c, err := load("http://h/").withDefaults()
	require.NoError(t, err)
	assert.Equal(t, 5*time.Second, c.DialTimeout)
	assert.Equal(t, time.Second, c.Drain)
	assert.Equal(t, time.Second, c.SnapshotEvery)
	assert.Equal(t, 10*time.Second, c.RequestTimeout)
}

func TestRequestIsBuilt(t *testing.T) {
	c := Config{Headers: []Header{{"Content-Type", "application/json"}}, ClientHeaders: byNumber}
	to, err := parseTarget("http://[::1]/metrics?a=b#c")
	require.NoError(t, err)
	assert.Equal(t, "[::1]:80", to.addr)
	head, err := c.appendHead(nil, to, 7)
	require.NoError(t, err)
	assert.Equal(t, "POST /metrics?a=b HTTP/1.1\r\nHost: [::1]\r\nContent-Type: application/json\r\nAuthorization: client-7\r\n"+
		"Content-Length: 3\r\n\r\nabc", string(Body{Data: []byte("abc")}.appendTail(head)))
	c.FreshConnections = true
	to, err = parseTarget("http://h:8080")
	require.NoError(t, err)
	head, err = c.appendHead(nil, to, 8)
	require.NoError(t, err)
	assert.Equal(t, "POST / HTTP/1.1\r\nHost: h:8080\r\nContent-Type: application/json\r\nAuthorization: client-8\r\nConnection: close\r\n", string(head))
	assert.Len(t, c.Headers, 1, "clients do not share their headers")
}
