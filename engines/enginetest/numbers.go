package enginetest

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"

	"github.com/stretchr/testify/require"
)

const (
	numberBatches = 2000 / stride
	batchNumbers  = 100
)

// checkNumbers compares the values that the decoder reads with strconv's: numbers of random bits in several spellings,
// numbers of random digits, and the points half-way between two neighbouring floats, exactly and a hair beside.
func checkNumbers(t require.TestingT, o *Observer) {
	random := rand.New(rand.NewPCG(1, 2))
	var body []byte
	var starts [batchNumbers + 1]int
	reports := 0
	for batch := range numberBatches {
		body = append(body[:0], `{"metrics":[`...)
		for i := range batchNumbers {
			body = append(body, `{"name":"m","type":"gauge","value":`...)
			starts[i] = len(body)
			body = appendNumber(body, random, batch*batchNumbers+i)
			body = append(body, `},`...)
		}
		starts[batchNumbers] = len(body)
		body = append(body[:len(body)-1], `]}`...)
		if out := o.Observe(body); out.Verdict != Accept {
			t.Errorf("numbers: verdict %v %s %s; want accept\nbody: %s", out.Verdict, firstError(out), out.Complain, abridged(body))
			return
		}
		for i, m := range o.batch.Metrics {
			text := body[starts[i]:]
			for n, c := range text {
				if c == '}' {
					text = text[:n]
					break
				}
			}
			want, _ := strconv.ParseFloat(string(text), 64)
			if math.Float64bits(m.Value) != math.Float64bits(want+0) {
				t.Errorf("the value %s is read as %v (bits %x); want %v (bits %x)", text, m.Value, math.Float64bits(m.Value), want+0, math.Float64bits(want+0))
				if reports++; reports == maxReports {
					t.FailNow()
				}
			}
		}
	}
}

// finite returns a float of random bits, or, every other time, one of moderate size.
func finite(random *rand.Rand) float64 {
	for {
		bits := random.Uint64()
		if bits&1 == 0 {
			bits = bits&^(0x7ff<<52) | (1023-40+bits>>1&0x7f)<<52&(0x7ff<<52)
		}
		if f := math.Float64frombits(bits); f-f == 0 {
			return f
		}
	}
}

// appendNumber appends a number whose value is finite, in the n-th spelling.
func appendNumber(dst []byte, random *rand.Rand, n int) []byte {
	start := len(dst)
	switch n % 10 {
	case 0, 1:
		return strconv.AppendFloat(dst, finite(random), 'e', -1, 64)
	case 2:
		return strconv.AppendFloat(dst, finite(random), 'e', 16, 64)
	case 3:
		return strconv.AppendFloat(dst, finite(random), 'e', 17+random.IntN(8), 64)
	case 4:
		return strconv.AppendFloat(dst, random.NormFloat64()*1000, 'f', random.IntN(25), 64)
	case 5:
		return strconv.AppendInt(dst, int64(random.Uint64()>>random.IntN(64)), 10)
	case 6: // few digits, small exponents: the usual number, and the border of what is exact
		dst = strconv.AppendUint(dst, random.Uint64()>>random.IntN(64), 10)
		dst = append(dst, 'e')
		return strconv.AppendInt(dst, int64(random.IntN(60)-35), 10)
	case 7: // random digits around a point
		dst = append(dst, byte('1'+random.IntN(9)))
		for range random.IntN(25) {
			dst = append(dst, byte('0'+random.IntN(10)))
		}
		dst = append(dst, '.')
		for range 1 + random.IntN(25) {
			dst = append(dst, byte('0'+random.IntN(10)))
		}
		return dst
	case 8:
		if n%50 == 8 { // exact, all its digits
			return strconv.AppendFloat(dst, finite(random), 'f', 1074, 64)
		}
		dst = append(dst, "0."...)
		for range random.IntN(30) {
			dst = append(dst, '0')
		}
		return strconv.AppendUint(dst, random.Uint64()>>random.IntN(64), 10)
	default:
		if n%50 != 9 {
			return fmt.Appendf(dst, "%d.%dE%+03d", random.IntN(1000), random.IntN(1000000), random.IntN(600)-300)
		}
		f := math.Abs(finite(random))
		if f >= math.MaxFloat64/2 {
			f = 1
		}
		half := new(big.Float).SetPrec(2000).SetFloat64(f)
		half.Add(half, new(big.Float).SetFloat64(math.Nextafter(f, math.Inf(1))))
		half.Quo(half, big.NewFloat(2))
		dst = half.Append(dst, 'e', 800)
		switch n % 150 {
		case 9: // a hair above
			for i := len(dst) - 1; i >= start; i-- {
				if dst[i] == 'e' {
					dst[i-1] = '1'
					break
				}
			}
		case 59: // a hair below
			hair := new(big.Float).SetMantExp(big.NewFloat(1), half.MantExp(nil)-900)
			return half.Sub(half, hair).Append(dst[:start], 'e', 300)
		}
		return dst
	}
}
