package ari

import (
	"context"
	"net/http"
	"slices"

	wire "github.com/dialwright/dialwright/internal/wire/ari"
)

// soundOperations are those of the resource sounds (spec: ari 4).
func (s *Server) soundOperations() map[string]operation {
	return map[string]operation{"sounds.list": s.listSounds, "sounds.get": s.getSound}
}

func (s *Server) sounds() []wire.Sound {
	if s.o.Sounds == nil {
		return nil
	}
	return s.o.Sounds.List()
}

// listSounds lists the sounds that are there in a language, a format, or both, with
// the files that fit. Nothing that fits is a 404.
func (s *Server) listSounds(_ context.Context, q *request) (response, error) {
	lang, format := q.params.String("lang"), q.params.String("format")
	list := s.sounds()
	if lang != "" || format != "" {
		list = filterSounds(list, lang, format)
	}
	if len(list) == 0 {
		return response{}, wire.Errorf(http.StatusNotFound, "No sounds found that matched the query")
	}
	return ok(list), nil
}

func filterSounds(all []wire.Sound, lang, format string) []wire.Sound {
	var list []wire.Sound
	for _, sound := range all {
		var fit []wire.FormatLangPair
		for _, p := range sound.Formats {
			if (lang == "" || p.Language == lang) && (format == "" || p.Format == format) {
				fit = append(fit, p)
			}
		}
		if fit != nil {
			sound.Formats = fit
			list = append(list, sound)
		}
	}
	return list
}

func (s *Server) getSound(_ context.Context, q *request) (response, error) {
	all := s.sounds()
	i := slices.IndexFunc(all, func(sound wire.Sound) bool { return sound.ID == q.path["soundId"] })
	if i < 0 {
		return response{}, wire.Errorf(http.StatusNotFound, "Sound not found")
	}
	return ok(all[i]), nil
}
