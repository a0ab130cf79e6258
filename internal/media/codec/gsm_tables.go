package codec

// The tables of GSM 06.10 (I-ETS 300 036, 4.4).

// larA, larB, larMin and larMax quantise the log area ratios (table 4.1); larInv
// undoes it (table 4.2).
var (
	larA   = [8]int16{20480, 20480, 20480, 20480, 13964, 15360, 8534, 9036}
	larB   = [8]int16{0, 0, 2048, -2560, 94, -1792, -341, -1144}
	larMin = [8]int16{-32, -32, -16, -16, -8, -8, -4, -4}
	larMax = [8]int16{31, 31, 15, 15, 7, 7, 3, 3}
	larInv = [8]int16{13107, 13107, 13107, 13107, 19223, 17476, 31454, 29708}
)

// ltpLevel decides about the long term gain, ltpGain is what is decided for
// (table 4.3).
var (
	ltpLevel = [4]int16{6554, 16384, 26214, 32767}
	ltpGain  = [4]int16{3277, 11469, 21299, 32767}
)

// weighting is the impulse response of the weighting filter (table 4.4).
var weighting = [11]int16{-134, -374, 0, 2054, 5741, 8192, 5741, 2054, 0, -374, -134}

// mantissa and inverseMantissa normalise the pulses (tables 4.5, 4.6).
var (
	inverseMantissa = [8]int16{29128, 26215, 23832, 21846, 20165, 18725, 17476, 16384}
	mantissa        = [8]int16{18431, 20479, 22527, 24575, 26623, 28671, 30719, 32767}
)
