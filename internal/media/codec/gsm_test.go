package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"testing"
)

// The standard is bit-exact, and so are we: testdata/speechlike.gsm is what
// sox (libgsm) made of the signal that the test makes anew, and the hash is that
// of what sox decodes it to.
func TestGSMIsBitExact(t *testing.T) {
	want, err := os.ReadFile("testdata/speechlike.gsm")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := Lookup("GSM")
	enc := c.NewEncoder()
	var got []byte
	for pcm := speechLike(8000); len(pcm) > 0; { // in pieces that are no frames
		n := min(len(pcm), 97)
		got = enc.Encode(got, pcm[:n])
		pcm = pcm[n:]
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the encoder differs: %d octets, want %d", len(got), len(want))
	}
	var pcm []byte
	for _, s := range c.NewDecoder().Decode(nil, want) {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(s))
	}
	sum := sha256.Sum256(pcm)
	if got := hex.EncodeToString(sum[:]); got != decodedBySox {
		t.Errorf("the decoder differs: %d octets, sha256 %s", len(pcm), got)
	}
}

const decodedBySox = "8bde39abf99c031e18f2e14d14680886d562dd2cf9bd96a020673da541594a26"

// Both packings carry the same frames.
func TestGSMPackings(t *testing.T) {
	pcm := speechLike(8000)
	plain, _ := Lookup("GSM")
	ms, _ := Lookup("GSM-MS")
	a := plain.NewEncoder().Encode(nil, pcm)
	b := ms.NewEncoder().Encode(nil, pcm)
	if len(a) != 50*gsmOctets || len(b) != 25*gsmMSOctets {
		t.Fatalf("%d and %d octets", len(a), len(b))
	}
	x, y := plain.NewDecoder().Decode(nil, a), ms.NewDecoder().Decode(nil, b)
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("sample %d: %d and %d", i, x[i], y[i])
		}
	}
	if _, static := ms.StaticPT(); static {
		t.Error("the packing of files has a payload type")
	}
}

// Tones come through; silence stays silence; what is no frame becomes silence.
func TestGSMSignals(t *testing.T) {
	c, _ := Lookup("GSM")
	for _, tt := range []struct{ hz, want float64 }{{300, 15}, {1000, 15}, {2000, 12}} {
		pcm := sine(8000, tt.hz, 8000, 8000)
		got := c.NewDecoder().Decode(nil, c.NewEncoder().Encode(nil, pcm))
		if db := snr(pcm, got, 200); db < tt.want {
			t.Errorf("%v Hz: SNR %.1f dB, want %v", tt.hz, db, tt.want)
		}
	}
	for _, s := range c.NewDecoder().Decode(nil, c.NewEncoder().Encode(nil, make([]int16, 1600))) {
		if s > 32 || s < -32 {
			t.Fatalf("silence became %d", s)
		}
	}
	got := c.NewDecoder().Decode(nil, make([]byte, gsmOctets+7))
	if len(got) != gsmSamples || got[0] != 0 || got[gsmSamples-1] != 0 {
		t.Errorf("a frame that is none: %d samples, %v…", len(got), got[:4])
	}
}

// Any octets are input, and the loudest signal overflows nothing.
func FuzzGSM(f *testing.F) {
	f.Add([]byte{0xd0}, uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, seed uint64) {
		for _, name := range []string{"GSM", "GSM-MS"} {
			c, _ := Lookup(name)
			c.NewDecoder().Decode(nil, b)
			r := rand.New(rand.NewPCG(seed, 2))
			pcm := make([]int16, 960)
			for i := range pcm {
				pcm[i] = int16(32767 - 65535*r.IntN(2))
			}
			c.NewDecoder().Decode(nil, c.NewEncoder().Encode(nil, pcm))
		}
	})
}

func BenchmarkGSM(b *testing.B) {
	c, _ := Lookup("GSM")
	enc, dec := c.NewEncoder(), c.NewDecoder()
	frame := speechLike(gsmSamples)
	var payload []byte
	var pcm []int16
	b.ReportAllocs()
	for b.Loop() {
		payload = enc.Encode(payload[:0], frame)
		pcm = dec.Decode(pcm[:0], payload)
	}
}
