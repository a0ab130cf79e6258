package sip

import (
	"encoding/binary"
	"math"
	"net"
	"testing"
	"time"

	"github.com/dialwright/dialwright/internal/media/codec"
	"github.com/dialwright/dialwright/internal/pbx"
)

// press sends keys of the provider as tones in its audio: 100 ms each, with
// 100 ms of silence before and behind.
func (s *scripted) press(c *pbx.Channel, digits string) {
	s.t.Helper()
	pair := map[rune][2]float64{'1': {697, 1209}, '5': {770, 1336}, '9': {852, 1477}, '#': {941, 1477}}
	var pcm []int16
	for _, d := range digits {
		pcm = append(pcm, make([]int16, 800)...)
		for i := range 800 {
			at := 2 * math.Pi * float64(i) / 8000
			pcm = append(pcm, int16(4000*math.Sin(pair[d][0]*at)+4000*math.Sin(pair[d][1]*at)))
		}
	}
	pcm = append(pcm, make([]int16, 1600)...)
	law, _ := codec.Lookup("PCMU")
	enc := law.NewEncoder()
	to := net.UDPAddrFromAddrPort(c.Leg().(*leg).rtpSession().LocalAddr())
	for i := 0; i*160 < len(pcm); i++ {
		packet := make([]byte, 12, 12+160)
		packet[0] = 0x80
		binary.BigEndian.PutUint16(packet[2:], uint16(i))
		binary.BigEndian.PutUint32(packet[4:], uint32(i*160))
		if _, err := s.ear.WriteTo(enc.Encode(packet, pcm[i*160:i*160+160]), to); err != nil {
			s.t.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestM9_InBandDigits: a party without telephone-event presses keys that are
// tones in its audio; ReadDigits takes them as any others.
func TestM9_InBandDigits(t *testing.T) {
	inBubble(t, pbx.Options{}, func(s *scripted) {
		c := s.up()
		got := make(chan string, 1)
		go func() {
			digits, err := c.ReadDigits(s.t.Context(), pbx.ReadOptions{})
			if err != nil {
				s.t.Errorf("digits: %v", err)
			}
			got <- digits
		}()
		s.press(c, "159#")
		if digits := <-got; digits != "159" {
			s.t.Errorf("the keys were understood as %q", digits)
		}
	})
}
