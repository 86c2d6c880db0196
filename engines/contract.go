package engines

import (
	"errors"
	"fmt"

	"metricstream/engines/custom"
	"metricstream/engines/guard"
	"metricstream/pkg/metric"
)

// ErrDiverged says that a library refused a body that the contract accepts: a fault of the engine, not of the request.
// It matches none of package metric's classes. It is not hidden behind the slow path's result,
// for then an engine could refuse everything and still seem to work.
var ErrDiverged = errors.New("JSON engine diverged from the contract")

// contract holds a library to the contract of metric.Decoder, in this order:
//
//  1. guard refuses what the library would let through;
//  2. the library decodes, and its adapter applies the rules of package metric;
//  3. whatever either of them refuses in step 2 is decoded again by the custom engine, which names
//     every fault and keeps the valid metrics. Libraries stop at the first fault or name it in words of their own;
//     one slow path for all gives the same answer under every engine.
type contract struct {
	name    string
	guard   guarder        // nil when the library lacks nothing
	library metric.Decoder // fills dst completely or returns an error, whose class need not be precise
	slow    *custom.Decoder
}

// guarder checks what a library leaves out. It returns the text to give to the library,
// valid until the next call, or an error of package metric.
type guarder interface {
	guard(body []byte) ([]byte, error)
}

func (c *contract) Decode(dst *metric.Batch, body []byte) error {
	text := body
	if c.guard != nil {
		var err error
		if text, err = c.guard.guard(body); err != nil {
			return err
		}
	}
	refused := c.library.Decode(dst, text)
	if refused == nil {
		return nil
	}
	if c.slow == nil { // most decoders never meet a bad body
		c.slow = custom.New()
	}
	if err := c.slow.Decode(dst, body); err != nil {
		return err
	}
	dst.Reset()
	// The library's error is cut and quoted, because some carry the rest of the body,
	// and not wrapped, because it could match a class of package metric.
	return fmt.Errorf("%w: %s refused an acceptable body: %.200q", ErrDiverged, c.name, refused.Error())
}

// grammar is the guard for libraries that are lax about the grammar or let repeated names win or lose.
type grammar struct{ guard.Guard }

func (g *grammar) guard(body []byte) ([]byte, error) { return body, g.Check(body) }

// grammarAndCase is the guard for libraries that also take "Name" for "name".
type grammarAndCase struct{ guard.Guard }

func (g *grammarAndCase) guard(body []byte) ([]byte, error) {
	if err := g.Check(body); err != nil {
		return nil, err
	}
	return g.Exact(body), nil
}

// depth is the guard for libraries that check everything but how deep the nesting may be.
type depth struct{}

func (depth) guard(body []byte) ([]byte, error) { return body, guard.Depth(body) }
