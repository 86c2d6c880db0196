package loadgen

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// Cause says why a request got no answer.
type Cause string

// The causes of a failure.
const (
	Refused   Cause = "refused"   // nothing listens there
	TimedOut  Cause = "timeout"   // dialling or the answer took too long
	Reset     Cause = "reset"     // the server reset the connection
	Closed    Cause = "closed"    // the server closed the connection before the answer was complete
	Malformed Cause = "malformed" // the answer is not HTTP/1.1
	Abandoned Cause = "abandoned" // the run was cancelled before the answer
	Other     Cause = "other"     // anything else: Result.Errors says what
)

// errMalformed is matched by every error about an answer that breaks the protocol.
var errMalformed = errors.New("malformed answer")

// causeOf classifies the error of a request on a run that was not cancelled.
func causeOf(err error) Cause {
	var timeout net.Error
	switch {
	case errors.Is(err, errMalformed):
		return Malformed
	case errors.As(err, &timeout) && timeout.Timeout():
		return TimedOut
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	}
	return Other
}
