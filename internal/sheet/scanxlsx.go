package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of the XML in a workbook, beside those of its bytes. The library makes structs of many
// times their text of the elements that it holds at once: all of most parts, and one row or
// one shared text of the others. 45 kB of zip could fill gigabytes.
const (
	maxElements = 250_000   // of a part that is held whole, tags counted
	maxTexts    = 2_000_000 // shared texts: an index of them is held
	maxUnitTags = 200_000   // of one row; 16,384 cells have no more
	maxUnit     = 4 << 20   // bytes of one row or one shared text
	maxGap      = 1 << 20   // bytes from one tag to the next, and of one tag
)

// errOverfull: the XML of a part is far from that of a list.
var errOverfull = &FileError{"The workbook holds far more than a list. Save the list alone, without pictures and other sheets, or as CSV."}

// partScan is one part of a workbook as its bytes go by. It knows just enough of XML: tags,
// and what may hide them.
type partScan struct {
	in     *bufio.Reader
	unit   string // name of the element that is held one at a time: "row", "si"; "" = none
	other  string // an element that must not be there
	inside bool   // of a unit
	units  int
	tags   int // within the unit
	size   int // bytes of the unit
	loose  *int
}

// scanPart holds a part to the bounds. loose counts the tags that are held whole.
func scanPart(p *zip.File, name string, loose *int) (err error) {
	r, err := p.Open()
	if err != nil {
		return notAWorkbook(err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s := &partScan{in: bufio.NewReaderSize(r, 64<<10), loose: loose}
	switch {
	case strings.HasPrefix(name, "xl/worksheets/sheet"):
		s.unit = "row"
	case name == "xl/sharedstrings.xml":
		s.unit, s.other = "si", "row"
	}
	if strings.HasSuffix(name, ".xml") || strings.HasSuffix(name, ".rels") || strings.HasSuffix(name, ".vml") {
		err = s.all()
	} else {
		err = s.binary()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	if _, ok := errors.AsType[*FileError](err); ok {
		return err
	}
	return notAWorkbook(err)
}

// all goes through the part. The error at its end is io.EOF.
func (s *partScan) all() error {
	for {
		if _, err := s.until('<', maxGap); err != nil {
			return err
		}
		head, err := s.in.Peek(3)
		if err != nil {
			return err
		}
		switch {
		case head[0] == '?':
			err = s.skip("?>")
		case string(head) == "!--":
			err = s.skip("-->")
		case string(head) == "![C":
			err = s.skip("]]>")
		case head[0] == '!':
			return &FileError{"The workbook has a document type, which no program writes. Save it again as .xlsx, or as CSV."}
		default:
			err = s.tag()
		}
		if err != nil {
			return err
		}
	}
}

// binary goes through a part that should be none of XML, such as a picture, but may be taken for
// it: what is compressed has few bytes that begin a tag.
func (s *partScan) binary() error {
	for tags := 0; tags <= maxElements; {
		_, err := s.in.ReadSlice('<')
		switch {
		case err == nil:
			tags++
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
	return errOverfull
}

// until reads to a byte, at most most bytes, and gives the last of them: they are valid until the
// next read.
func (s *partScan) until(end byte, most int) ([]byte, error) {
	for total := 0; ; {
		piece, err := s.in.ReadSlice(end)
		total += len(piece)
		if s.inside {
			s.size += len(piece)
		}
		if total > most || s.size > maxUnit {
			return nil, errOverfull
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return piece, err
		}
	}
}

// skip goes on behind what hides tags.
func (s *partScan) skip(end string) error {
	var last [3]byte
	for n := 0; n <= maxGap; n++ {
		b, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		last[0], last[1], last[2] = last[1], last[2], b
		if bytes.HasSuffix(last[:], []byte(end)) {
			if s.inside {
				s.size += n
			}
			return nil
		}
	}
	return errOverfull
}

// tag reads one tag and counts it.
func (s *partScan) tag() error {
	head, err := s.in.Peek(64)
	if len(head) == 0 {
		return err
	}
	name := string(head)
	if at := strings.IndexAny(name[1:], " \t\r\n/>"); at >= 0 {
		name = name[:at+1]
	}
	closing := strings.HasPrefix(name, "/")
	name = strings.TrimPrefix(name, "/")
	if at := strings.LastIndexByte(name, ':'); at >= 0 {
		name = name[at+1:]
	}
	if s.unit != "" && name == s.unit {
		s.inside, s.tags, s.size = !closing, 0, 0
		if !closing {
			s.units++
		}
	}
	rest, err := s.until('>', maxGap)
	if err != nil {
		return err
	}
	switch {
	case s.other != "" && name == s.other:
		return errOverfull
	case s.inside:
		s.tags++
	default:
		*s.loose++
	}
	if s.unit == name && bytes.HasSuffix(rest, []byte("/>")) {
		s.inside = false
	}
	switch {
	case s.tags > maxUnitTags || *s.loose > maxElements || s.unit == "si" && s.units > maxTexts:
		return errOverfull
	case s.unit == "row" && s.units > maxSheetRows:
		return &FileError{fmt.Sprintf("A sheet has more than %d rows.", maxSheetRows)}
	}
	return nil
}

// maxSheetRows is what the programs take (ECMA-376 has no bound).
const maxSheetRows = 1_048_576
