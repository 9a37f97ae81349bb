// Package tls stands in for crypto/tls when the agent is built (docs/decisions/0014-no-tls-in-the-agent.md). Here is what net/http
// names of it. Nothing is ever sent or taken in: what would use TLS gets an error.
package tls

import (
	"context"
	"errors"
	"net"
	"time"
)

var errNone = errors.New("this program has no TLS")

const (
	VersionTLS12 = 0x0303
	VersionTLS13 = 0x0304

	TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256   uint16 = 0xc02f
	TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 uint16 = 0xc02b
)

type Certificate struct{}

type ClientHelloInfo struct{}

type ConnectionState struct {
	Version, CipherSuite       uint16
	HandshakeComplete          bool
	NegotiatedProtocol         string
	NegotiatedProtocolIsMutual bool
	ServerName                 string
}

type Config struct {
	NextProtos               []string
	ServerName               string
	InsecureSkipVerify       bool
	PreferServerCipherSuites bool
	CipherSuites             []uint16
	MinVersion               uint16
	Certificates             []Certificate
	GetCertificate           func(*ClientHelloInfo) (*Certificate, error)
	GetConfigForClient       func(*ClientHelloInfo) (*Config, error)
}

func (c *Config) Clone() *Config {
	if c == nil {
		return nil
	}
	copied := *c
	return &copied
}

// Conn carries a connection from one part of net/http to another, which is how it hands over HTTP/2 without TLS.
type Conn struct{ inner net.Conn }

func Client(inner net.Conn, _ *Config) *Conn { return &Conn{inner} }

func (c *Conn) NetConn() net.Conn                      { return c.inner }
func (c *Conn) Close() error                           { return c.inner.Close() }
func (c *Conn) LocalAddr() net.Addr                    { return c.inner.LocalAddr() }
func (c *Conn) RemoteAddr() net.Addr                   { return c.inner.RemoteAddr() }
func (c *Conn) SetDeadline(at time.Time) error         { return c.inner.SetDeadline(at) }
func (c *Conn) SetReadDeadline(at time.Time) error     { return c.inner.SetReadDeadline(at) }
func (c *Conn) SetWriteDeadline(at time.Time) error    { return c.inner.SetWriteDeadline(at) }
func (c *Conn) Read([]byte) (int, error)               { return 0, errNone }
func (c *Conn) Write([]byte) (int, error)              { return 0, errNone }
func (c *Conn) Handshake() error                       { return errNone }
func (c *Conn) HandshakeContext(context.Context) error { return errNone }
func (c *Conn) VerifyHostname(string) error            { return errNone }
func (c *Conn) ConnectionState() ConnectionState       { return ConnectionState{} }

type Dialer struct {
	NetDialer *net.Dialer
	Config    *Config
}

func (*Dialer) DialContext(context.Context, string, string) (net.Conn, error) { return nil, errNone }

func Dial(string, string, *Config) (*Conn, error)            { return nil, errNone }
func Listen(string, string, *Config) (net.Listener, error)   { return nil, errNone }
func LoadX509KeyPair(string, string) (Certificate, error)    { return Certificate{}, errNone }
func NewListener(inner net.Listener, _ *Config) net.Listener { return refusing{inner} }

type refusing struct{ net.Listener }

func (refusing) Accept() (net.Conn, error) { return nil, errNone }

type RecordHeaderError struct {
	Msg          string
	RecordHeader [5]byte
	Conn         net.Conn
}

func (e RecordHeaderError) Error() string { return e.Msg }
