package rest

import (
	"context"
	"fmt"
	"time"

	"github.com/dialwright/dialwright/internal/originate"
)

// maxPoints is how many points a plot may have.
const maxPoints = 1500

// stepSizes are the steps that are chosen from where none is asked for.
var stepSizes = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour,
}

type seriesInput struct {
	From time.Time `query:"from" doc:"Absent: an hour before to. Taken down to a whole step"`
	To   time.Time `query:"to" doc:"Absent: now. Taken up to a whole step"`
	Step int       `query:"step" minimum:"60" maximum:"31536000" multipleOf:"60" doc:"Seconds; absent: the smallest of 1, 5, 15 minutes, 1, 3, 6 hours, a day and a week that gives at most 1,500 points"`
}

// SeriesPoint sums up the attempts of one step.
type SeriesPoint struct {
	At           time.Time `json:"at" doc:"Its begin"`
	Attempts     int       `json:"attempts" doc:"Attempts that began in it"`
	Ended        int       `json:"ended" doc:"Attempts that ended in it"`
	Answered     int       `json:"answered" doc:"Of those that ended: answered"`
	TimeToAnswer *float64  `json:"time_to_answer" doc:"Seconds that the first party rang on average, of those answered; null if none was"`
}

type seriesOutput struct {
	Body struct {
		Step   int           `json:"step" doc:"Seconds"`
		From   time.Time     `json:"from"`
		To     time.Time     `json:"to"`
		Points []SeriesPoint `json:"points" nullable:"false" doc:"Of every step, oldest first, at most 1,500"`
	}
}

func (s *Server) series(ctx context.Context, in *seriesInput) (*seriesOutput, error) {
	f, err := seriesFilter(in, time.Now())
	if err != nil {
		return nil, err
	}
	f.Account = s.visible(ctx)
	list, err := s.o.History.Series(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &seriesOutput{}
	out.Body.Step, out.Body.From, out.Body.To = int(f.Step.Seconds()), f.From, f.To
	out.Body.Points = make([]SeriesPoint, 0, int(f.To.Sub(f.From)/f.Step))
	for at := f.From; at.Before(f.To); at = at.Add(f.Step) {
		p := SeriesPoint{At: at}
		if len(list) > 0 && list[0].At.Equal(at) {
			got := list[0]
			list = list[1:]
			p.Attempts, p.Ended, p.Answered = got.Attempts, got.Ended, got.Answered
			if got.Answered > 0 {
				p.TimeToAnswer = new(float64(got.ToAnswer.Round(time.Millisecond).Milliseconds()) / 1000)
			}
		}
		out.Body.Points = append(out.Body.Points, p)
	}
	return out, nil
}

// seriesFilter says which points are meant: whole steps since 1970.
func seriesFilter(in *seriesInput, now time.Time) (originate.SeriesFilter, error) {
	f := originate.SeriesFilter{From: in.From.UTC(), To: in.To.UTC(), Step: time.Duration(in.Step) * time.Second}
	if in.To.IsZero() {
		f.To = now.UTC()
	}
	if in.From.IsZero() {
		f.From = f.To.Add(-time.Hour)
	}
	span := f.To.Sub(f.From)
	if f.From.Unix() < 0 || f.To.Year() > 9999 || span <= 0 {
		return f, &Refusal{Code: "invalid", Field: "from", Text: "from must lie before to, and after 1970."}
	}
	if f.Step == 0 {
		for _, f.Step = range stepSizes {
			if span <= (maxPoints-2)*f.Step {
				break
			}
		}
	}
	step := int64(f.Step / time.Second)
	begin, end := f.From.Unix()/step*step, (f.To.Unix()+step-1)/step*step
	if f.To.Nanosecond() > 0 && f.To.Unix()%step == 0 {
		end += step
	}
	if n := (end - begin) / step; n > maxPoints {
		return f, &Refusal{Code: "invalid", Field: "step", Text: fmt.Sprintf("That would be %d points; at most %d are given. Ask for a larger step or a shorter time.", n, maxPoints)}
	}
	f.From, f.To = time.Unix(begin, 0).UTC(), time.Unix(end, 0).UTC()
	return f, nil
}
