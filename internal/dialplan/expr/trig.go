package expr

import (
	"math"
	"math/big"
)

// maxAngle is the exponent up to which angles are reduced with the digits of π
// that we have; beyond it the result is a float64's.
const maxAngle = 100

// sinCos gives sine and cosine, nil for an angle beyond maxAngle.
func sinCos(x *big.Float) (sin, cos *big.Float) {
	if x.MantExp(nil) > maxAngle {
		return nil, nil
	}
	half := big0().Quo(constant(piDigits), bigInt(2))
	quarters := toWhole(big0().Quo(x, half), math.Round)
	r := big0().Sub(x, big0().Mul(quarters, half)) // at most π/4
	s, c := sinCosSeries(r)
	n, _ := quarters.Int(nil)
	switch new(big.Int).And(n, big.NewInt(3)).Int64() { // two's complement: right for n < 0 too
	case 1:
		return c, s.Neg(s)
	case 2:
		return s.Neg(s), c.Neg(c)
	case 3:
		return c.Neg(c), s
	}
	return s, c
}

func sinCosSeries(r *big.Float) (sin, cos *big.Float) {
	sin, cos = big0(), big0()
	term := bigInt(1) // r^n/n!
	for n := range int64(60) {
		sum := cos
		if n%2 == 1 {
			sum = sin
		}
		if n%4 < 2 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
		term.Quo(term.Mul(term, r), bigInt(n+1))
	}
	return sin, cos
}

func tan(x *big.Float) *big.Float {
	s, c := sinCos(x)
	if s == nil || c.Sign() == 0 {
		return nil
	}
	return s.Quo(s, c)
}

// atan halves the angle until the series is short.
func atan(x *big.Float) *big.Float {
	if x.Sign() == 0 {
		return x
	}
	one := bigInt(1)
	z := big0().Abs(x)
	inverse := z.Cmp(one) > 0
	if inverse {
		z.Quo(one, z)
	}
	const halvings = 3
	for range halvings {
		root := big0().Add(one, big0().Mul(z, z))
		root.Sqrt(root)
		z.Quo(z, root.Add(root, one))
	}
	r := oddSeries(z, true)
	r.SetMantExp(r, halvings)
	if inverse {
		r.Sub(big0().Quo(constant(piDigits), bigInt(2)), r)
	}
	if x.Sign() < 0 {
		r.Neg(r)
	}
	return r
}

// asin is nil beyond ±1.
func asin(x *big.Float) *big.Float {
	rest := big0().Sub(bigInt(1), big0().Mul(x, x))
	switch rest.Sign() {
	case -1:
		return nil
	case 0:
		half := big0().Quo(constant(piDigits), bigInt(2))
		if x.Sign() < 0 {
			half.Neg(half)
		}
		return half
	}
	return atan(big0().Quo(x, rest.Sqrt(rest)))
}

// acos is nil beyond ±1.
func acos(x *big.Float) *big.Float {
	less, more := big0().Sub(bigInt(1), x), big0().Add(bigInt(1), x)
	switch {
	case less.Sign() < 0 || more.Sign() < 0:
		return nil
	case more.Sign() == 0:
		return constant(piDigits)
	}
	ratio := less.Quo(less, more)
	r := atan(ratio.Sqrt(ratio))
	return r.SetMantExp(r, 1)
}

// atan2 is the angle of the point (x, y).
func atan2(y, x num) num {
	if !x.finite() || !y.finite() || x.isZero() || y.isZero() && x.f.Sign() > 0 {
		if x.isZero() && y.finite() && !y.isZero() { // ±π/2 to the last digit
			half := big0().Quo(constant(piDigits), bigInt(2))
			if y.f.Sign() < 0 {
				half.Neg(half)
			}
			return numBig(half)
		}
		return numFloat(math.Atan2(y.float(), x.float()))
	}
	r := atan(big0().Quo(wide(y.f), wide(x.f)))
	if x.f.Sign() < 0 {
		pi := constant(piDigits)
		if y.f.Signbit() {
			pi.Neg(pi)
		}
		r = big0().Add(wide(r), pi)
	}
	return numBig(r)
}
