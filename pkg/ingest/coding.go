package ingest

import (
	"errors"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// decompress returns the body without its content coding: body itself, or bytes that are valid until plain,
// which may be nil, is put back. No coding makes more than MaxBodyBytes, nor takes memory for more,
// whatever it declares.
func (w *work) decompress(x *exchange, body []byte) (out []byte, plain *buffer, _ problem) {
	h := x.h
	var err error
	switch x.head.coding {
	case gzipped:
		plain, err = w.inflate(h, h.buffers.get(len(body)), body)
		out = plain.b
	case zstandard:
		plain, out, err = h.unzstd(body)
	case snappyBlock:
		var size int
		if size, err = snappy.DecodedLen(body); err == nil && size > h.cfg.MaxBodyBytes {
			err = errTooLarge
		}
		if err == nil {
			plain = h.buffers.get(size)
			out, err = snappy.Decode(plain.b[:size], body)
		}
	default:
		return body, nil, problem{}
	}
	switch {
	case err == nil:
		return out, plain, problem{}
	case errors.Is(err, errTooLarge), errors.Is(err, snappy.ErrTooLarge),
		errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, plain, h.tooLarge("the decompressed body")
	}
	return nil, plain, problem{kind: corruptBody}
}

func (w *work) inflate(h *Handler, plain *buffer, body []byte) (*buffer, error) {
	w.source.Reset(body)
	defer w.source.Reset(nil)
	if w.gunzip == nil {
		w.gunzip = new(gzip.Reader)
	}
	if err := w.gunzip.Reset(&w.source); err != nil {
		return plain, err
	}
	return h.buffers.fill(plain, w.gunzip, h.cfg.MaxBodyBytes)
}

// zstdWindow is the window that every decoder should support (RFC 8878, section 3.1.1.1.2). Senders that stream
// declare one of their own choice, however little they send.
const zstdWindow = 8 << 20

// newZstd returns a decoder for unzstd. Decoding goes straight to the destination and needs no window in memory;
// the library takes its limit on memory for one on windows too, so the destination's capacity is what bounds the output.
func newZstd(limit int) (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderMaxMemory(uint64(max(limit, zstdWindow))))
}

// unzstd decodes body to a buffer of the first class that is large enough: to guess, and to begin again a few times,
// is cheaper than a buffer of the limit for every request.
func (h *Handler) unzstd(body []byte) (plain *buffer, out []byte, err error) {
	plain = h.buffers.get(bufferGrowth * len(body))
	for {
		out, err = h.zstd.DecodeAll(body, plain.b)
		switch {
		case len(out) > h.cfg.MaxBodyBytes:
			return plain, nil, errTooLarge
		case !errors.Is(err, zstd.ErrDecoderSizeExceeded), cap(plain.b) > h.cfg.MaxBodyBytes:
			return plain, out, err
		}
		larger := h.buffers.get(cap(plain.b) + 1)
		h.buffers.put(plain)
		plain = larger
	}
}
