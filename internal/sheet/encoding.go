package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// decoders are the encodings that a table may have.
var decoders = map[string]encoding.Encoding{
	"utf-8":        unicode.UTF8BOM,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"windows-1252": charmap.Windows1252,
}

// encodingOf finds out the encoding of a file by its byte order mark, else by whether all of
// it is UTF-8. What is neither is taken for Windows-1252, which holds all of ISO-8859-1 that
// prints. head is the file's begin.
func encodingOf(f io.ReaderAt, size int64, head []byte) (string, error) {
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		return "utf-8", nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		return "utf-16le", nil
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "utf-16be", nil
	}
	if wide := utf16Without(head); wide != "" {
		return wide, nil
	}
	ok, err := validUTF8(io.NewSectionReader(f, 0, size))
	if err != nil {
		return "", err
	}
	if ok {
		return "utf-8", nil
	}
	return "windows-1252", nil
}

// utf16Without recognises UTF-16 without a byte order mark: every second byte of what is
// mostly Latin text is zero, and always the same ones.
func utf16Without(head []byte) string {
	var zeros [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i%2]++
		}
	}
	half := len(head) / 2
	switch {
	case half < 4:
		return ""
	case zeros[1] > half*2/3 && zeros[0] == 0:
		return "utf-16le"
	case zeros[0] > half*2/3 && zeros[1] == 0:
		return "utf-16be"
	}
	return ""
}

func validUTF8(r io.Reader) (bool, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		piece, err := b.Peek(32 << 10)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if len(piece) == 0 {
			return true, nil
		}
		whole := len(piece)
		if err == nil { // more follows: the last character may be cut
			whole -= cut(piece)
		}
		if !utf8.Valid(piece[:whole]) {
			return false, nil
		}
		if _, err := b.Discard(whole); err != nil {
			return false, err
		}
	}
}

// cut gives how many bytes at the end of b may be the begin of a character.
func cut(b []byte) int {
	for n := 1; n < utf8.UTFMax && n < len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
