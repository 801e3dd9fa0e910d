package retrieval

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const passage = `Every employee of the company has thirty days of paid leave in a year of the calendar. Days that were not used expire on the last of March of the year that
follows, unless a manager has agreed in writing to something else before that day has come.`

// says is a model that gives its answers in their order.
func says(t *testing.T, answers ...string) Asker {
	t.Helper()
	return func(_ context.Context, messages []Message) (string, error) {
		if len(answers) == 0 {
			t.Fatal("the model was asked once more")
		}
		if len(messages) != 2 || !strings.Contains(messages[1].Content, " ===\n"+passage+"\n=== end of passage ") {
			t.Errorf("asked with %+v", messages)
		}
		said := answers[0]
		answers = answers[1:]
		return said, nil
	}
}

func TestMake(t *testing.T) {
	const made = `{"question": "How long is an annual holiday?", "quote": "thirty days of\n paid leave"}`
	for name, tt := range map[string]struct {
		answers []string
		want    Refused
	}{
		"good":                        {[]string{made, `{"answered": true, "specific": true}`}, ""},
		"good, fenced":                {[]string{"```json\n" + made + "\n```", "Yes: {\"answered\": true, \"specific\": true}"}, ""},
		"no JSON":                     {[]string{"I would ask: how long?"}, Unreadable},
		"no question":                 {[]string{`{"quote": "thirty days"}`}, Unreadable},
		"a quote of its own":          {[]string{`{"question": "How long is a holiday?", "quote": "forty days"}`}, NoQuote},
		"no quote":                    {[]string{`{"question": "How long is a holiday?"}`}, NoQuote},
		"copied":                      {[]string{`{"question": "Is it true that every employee of the company has thirty days?", "quote": "thirty days"}`}, Copied},
		"of the text":                 {[]string{`{"question": "What does the passage say of holidays?", "quote": "thirty days"}`}, Refers},
		"not answered":                {[]string{made, `{"answered": false, "specific": true}`}, NotAnswered},
		"too general":                 {[]string{made, `{"answered": true, "specific": false}`}, TooGeneral},
		"a check that cannot be read": {[]string{made, `{"answered": true}`}, Unreadable},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused, err := Make(t.Context(), says(t, tt.answers...), "leave.md", passage)
			if err != nil || refused != tt.want {
				t.Fatalf("got %q, %v; want %q", refused, err, tt.want)
			}
			want := Question{Question: "How long is an annual holiday?", Kind: "made", Relevant: []Label{{Document: "leave.md", Quote: "thirty days of paid leave"}}}
			if diff := cmp.Diff(got, want); refused == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, refused, err := Make(t.Context(), says(t), "x", "Too short."); refused != TooShort || err != nil {
		t.Errorf("got %q, %v", refused, err)
	}
	away := errors.New("no gateway")
	_, _, err := Make(t.Context(), func(context.Context, []Message) (string, error) { return "", away }, "x", passage)
	if !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
}
