package codec

import "math/bits"

// The operations in which GSM 06.10 is written (I-ETS 300 036, 4.1): words of
// 16 bits that saturate, and products of fractions.

// clamp saturates.
func clamp(v int32) int16 { return int16(max(-32768, min(32767, v))) }

func add(a, b int16) int16 { return clamp(int32(a) + int32(b)) }
func sub(a, b int16) int16 { return clamp(int32(a) - int32(b)) }

// size16 is the absolute value; that of -32768 is 32767.
func size16(a int16) int16 {
	switch {
	case a == -32768:
		return 32767
	case a < 0:
		return -a
	}
	return a
}

// mult is the product of two fractions.
func mult(a, b int16) int16 { return clamp(int32(a) * int32(b) >> 15) }

// multR is mult, rounded.
func multR(a, b int16) int16 { return clamp((int32(a)*int32(b) + 16384) >> 15) }

// norm is by how many bits a non-zero v can be shifted left without a loss.
func norm(v int32) int {
	if v < 0 {
		v = ^v
	}
	return bits.LeadingZeros32(uint32(v)) - 1
}

// div is num/den as a fraction; 0 <= num <= den, den > 0.
func div(num, den int16) int16 {
	if num == den {
		return 32767
	}
	return int16(int32(num) << 15 / int32(den))
}

// shl shifts left, or right for a negative n.
func shl(v int16, n int) int16 {
	switch {
	case n <= -16:
		return v >> 15
	case n < 0:
		return v >> -n
	case n >= 16:
		return 0
	}
	return v << n
}

// sat32 saturates a sum of 32 bits.
func sat32(v int64) int32 { return int32(max(-1<<31, min(1<<31-1, v))) }
