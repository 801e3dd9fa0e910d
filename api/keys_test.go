package api

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// make makes a key.
func (w *world) make(method, target, body string) madeKeyText {
	w.t.Helper()
	rec := w.ask(method, target, body)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("%s %s: %d %s", method, target, rec.Code, rec.Body)
	}
	return decode[madeKeyText](w.t, rec.Body.Bytes())
}

type madeKeyText struct {
	ID, Key, Project, Name string
	Models, Endpoints      []string
	CreatedAt              string  `json:"created_at"`
	ExpiresAt              *string `json:"expires_at"`
}

func TestKeyLife(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/keys", "").Body.String(), `{"keys":[]}`)

	first := w.make("POST", "/keys", `{"project":"shop","name":"prod","models":["gpt-4o*"],"endpoints":["/files/*"],"expires_at":"2999-01-31"}`)
	if id, ok := account.KeyID(first.Key); !ok || id != first.ID || first.Project != "shop" || first.Name != "prod" || *first.ExpiresAt != "2999-01-31T00:00:00.000000Z" {
		t.Fatalf("made %+v", first)
	}
	stored, err := w.keys.Key(t.Context(), first.ID)
	if err != nil || !stored.Opens(first.Key) || !stored.Live(time.Now()) || !cmp.Equal(stored.Models, []string{"gpt-4o*"}) || !cmp.Equal(stored.Endpoints, []string{"/files/*"}) {
		t.Fatalf("stored %+v, %v", stored, err)
	}
	if w.heard != 1 {
		t.Errorf("the keyring was told %d times, want once", w.heard)
	}
	w.refused(w.ask("POST", "/keys", `{"project":"shop","name":"prod"}`), http.StatusBadRequest, llm.InvalidRequest, "live key of this name")
	if got := w.make("POST", "/keys", `{"name":"prod"}`); got.Project != "default" || got.ExpiresAt != nil || got.Models == nil {
		t.Errorf("defaults: %+v", got)
	}

	second := w.make("POST", "/keys/"+first.ID+"/rotate", "")
	if second.ID == first.ID || second.Key == first.Key || second.Project != "shop" || second.Name != "prod" || !cmp.Equal(second.Models, first.Models) ||
		!cmp.Equal(second.Endpoints, first.Endpoints) || !cmp.Equal(second.ExpiresAt, first.ExpiresAt) {
		t.Errorf("rotated %+v to %+v", first, second)
	}
	if old, err := w.keys.Key(t.Context(), first.ID); err != nil || old.Live(time.Now()) {
		t.Errorf("the old key is live after it was rotated: %+v, %v", old, err)
	}
	w.refused(w.ask("POST", "/keys/"+first.ID+"/rotate", ""), http.StatusBadRequest, llm.InvalidRequest, "revoked or expired")

	for range 2 { // twice is as once
		if rec := w.ask("DELETE", "/keys/"+second.ID, ""); rec.Code != http.StatusNoContent {
			t.Errorf("revoke: %d %s", rec.Code, rec.Body)
		}
	}
	if k, err := w.keys.Key(t.Context(), second.ID); err != nil || k.Live(time.Now()) {
		t.Errorf("a revoked key is live: %+v, %v", k, err)
	}
	w.refused(w.ask("DELETE", "/keys/unknown", ""), http.StatusNotFound, llm.NotFound, "no key")
	w.refused(w.ask("POST", "/keys/unknown/rotate", ""), http.StatusNotFound, llm.NotFound, "no key")

	// The list knows all of them, and no secret.
	body := w.ask("GET", "/keys", "").Body.String()
	list := decode[struct {
		Keys []struct {
			ID, Prefix string
			RevokedAt  *string `json:"revoked_at"`
			LastUsedAt *string `json:"last_used_at"`
		}
	}](t, []byte(body))
	if len(list.Keys) != 3 || list.Keys[0].ID != first.ID || list.Keys[0].RevokedAt == nil || list.Keys[1].RevokedAt != nil || list.Keys[1].LastUsedAt != nil ||
		list.Keys[0].Prefix != "sk-weir-"+first.ID {
		t.Errorf("listed %+v", list)
	}
	for _, secret := range []string{first.Key, second.Key, strings.TrimPrefix(second.Key, "sk-weir-"+second.ID+"-")} {
		if strings.Contains(body, secret) || strings.Contains(w.log.String(), secret) {
			t.Errorf("the secret %s is shown again", secret)
		}
	}
}

func TestKeysNotReadAgain(t *testing.T) {
	w := newWorld(t)
	w.keysChanged = errors.New("database is locked")
	made := w.make("POST", "/keys", `{"name":"a"}`)
	if _, err := w.keys.Key(t.Context(), made.ID); err != nil || !strings.Contains(w.log.String(), "database is locked") || strings.Contains(w.log.String(), made.Key) {
		t.Errorf("%v, log %s", err, w.log)
	}
}

func TestBadKeys(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ body, param, word string }{
		{``, "", "empty"},
		{`{`, "", "not what this request wants"},
		{`[]`, "", "array"},
		{`"x"`, "", "string"},
		{`{"name":"a"} {"name":"b"}`, "", "more than one"},
		{`{"name":"a"} x`, "", "not what this request wants"},
		{`{}`, "name", "missing"},
		{`{"name":7}`, "name", "number"},
		{`{"name":"a","colour":"red"}`, "colour", "no field"},
		{`{"name":"a b"}`, "name", "1 to 64"},
		{`{"name":"<b>"}`, "name", "1 to 64"},
		{`{"name":"` + strings.Repeat("a", 65) + `"}`, "name", "1 to 64"},
		{`{"name":"ä"}`, "name", "1 to 64"},
		{`{"name":"a","project":"../x"}`, "project", "1 to 64"},
		{`{"name":"a","models":[""]}`, "models", "no pattern"},
		{`{"name":"a","models":["a b"]}`, "models", "no pattern"},
		{`{"name":"a","models":["` + strings.Repeat("a", 257) + `"]}`, "models", "no pattern"},
		{`{"name":"a","models":[` + strings.Repeat(`"a",`, 100) + `"a"]}`, "models", "more than"},
		{`{"name":"a","models":"gpt"}`, "models", "string"},
		{`{"name":"a","endpoints":["files"]}`, "endpoints", "/files/*"},
		{`{"name":"a","expires_at":"soon"}`, "expires_at", "RFC 3339"},
		{`{"name":"a","expires_at":"30d"}`, "expires_at", "RFC 3339"},
		{`{"name":"a","expires_at":"2001-01-01T00:00:00Z"}`, "expires_at", "not in the future"},
	} {
		got := w.refused(w.ask("POST", "/keys", tt.body), http.StatusBadRequest, llm.InvalidRequest, tt.word)
		if p := got.Error.Param; tt.param == "" && p != nil || tt.param != "" && (p == nil || *p != tt.param) {
			t.Errorf("%.60s: blames %v, want %q", tt.body, p, tt.param)
		}
	}
	if list, err := w.keys.ListKeys(t.Context()); err != nil || len(list) != 0 || w.heard != 0 {
		t.Errorf("refused requests made keys: %v, %v, told %d times", list, err, w.heard)
	}
	w.refused(w.ask("POST", "/keys", `{"name":"`+strings.Repeat("a", maxBody)+`"}`), http.StatusRequestEntityTooLarge, llm.BodyTooLarge, "1048576")
}
