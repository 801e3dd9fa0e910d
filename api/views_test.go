package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

// heardView is a view as clients read it.
type heardView struct {
	ID, Room, Name, Query, Owner string
	Shared, Own                  bool
	MayChange                    bool   `json:"may_change"`
	CreatedAt                    string `json:"created_at"`
}

// saveView saves a view of calls and wants it made.
func (w *world) saveView(name, query string, shared bool, as ...func(*http.Request)) heardView {
	w.t.Helper()
	rec := w.ask("POST", "/views", fmt.Sprintf(`{"room":"calls","name":%q,"query":%q,"shared":%v}`, name, query, shared), as...)
	if rec.Code != http.StatusCreated {
		w.t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return decode[heardView](w.t, rec.Body.Bytes())
}

// viewNames lists what a caller has.
func (w *world) viewNames(target string, as ...func(*http.Request)) []string {
	w.t.Helper()
	out := []string{}
	for _, v := range decode[struct{ Views []heardView }](w.t, w.ask("GET", target, "", as...).Body.Bytes()).Views {
		out = append(out, v.Owner+"/"+v.Name)
	}
	return out
}

func TestViews(t *testing.T) {
	w := newWorld(t)
	vic, dev, eve := w.member("vic", account.Viewer), w.member("dev", account.Developer), w.member("eve", account.Developer)

	own := w.saveView(" late ", "?status=error&range=7d&tag.team=a%26b&user=", false, vic)
	if own.Name != "late" || own.Query != "range=7d&status=error&tag.team=a%26b" || own.Owner != "vic" || !own.Own || !own.MayChange {
		t.Errorf("saved: %+v", own)
	}
	if several := w.saveView("several", "model=b&not.user=x&model=&model=a&order=asc&sort=cost", false, eve); several.Query != "model=b&model=a&not.user=x&order=asc&sort=cost" {
		t.Errorf("several values: %+v", several)
	}
	shared := w.saveView("dear", "sort=cost&columns=time,model,cost&density=compact", true, dev)
	w.saveView("mine", "", false) // the admin's
	for _, tt := range []struct {
		who  string
		as   []func(*http.Request)
		want []string
	}{
		{"vic", []func(*http.Request){vic}, []string{"dev/dear", "vic/late"}},
		{"dev", []func(*http.Request){dev}, []string{"dev/dear"}},
		{"admin", nil, []string{"dev/dear", "admin/mine"}},
	} {
		if diff := cmp.Diff(tt.want, w.viewNames("/views?room=calls", tt.as...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.who, diff)
		}
	}
	if got := w.viewNames("/views?room=traces"); len(got) != 0 {
		t.Errorf("of traces: %q", got)
	}

	// A viewer saves, but does not share; a name is its owner's once.
	w.refused(w.ask("POST", "/views", `{"room":"calls","name":"x","query":"","shared":true}`, vic), 403, llm.Forbidden, "takes a developer")
	w.refused(w.ask("POST", "/views", `{"room":"calls","name":"late","query":""}`, vic), 400, llm.InvalidRequest, "already")
	w.saveView("late", "", false, dev)

	// What is not one's own: a shared one is named, another is not there.
	w.refused(w.ask("PUT", "/views/"+shared.ID, `{"name":"cheap","query":"","shared":true}`, eve), 403, llm.Forbidden, "dev's")
	w.refused(w.ask("DELETE", "/views/"+shared.ID, "", vic), 403, llm.Forbidden, "dev's")
	w.refused(w.ask("PUT", "/views/"+own.ID, `{"name":"x","query":"","shared":false}`, dev), 404, llm.NotFound, "no view")
	w.refused(w.ask("DELETE", "/views/"+own.ID, "", dev), 404, llm.NotFound, "no view")

	rec := w.ask("PUT", "/views/"+own.ID, `{"name":"later","query":"status=cut","shared":false}`, vic)
	if got := decode[heardView](t, rec.Body.Bytes()); rec.Code != http.StatusOK || got.Name != "later" || got.Query != "status=cut" || got.ID != own.ID || got.CreatedAt != own.CreatedAt {
		t.Errorf("changed: %d %+v", rec.Code, got)
	}
	w.refused(w.ask("PUT", "/views/"+own.ID, `{"name":"later","query":"","shared":true}`, vic), 403, llm.Forbidden, "takes a developer")
	for who, as := range map[string]func(*http.Request){own.ID: vic, shared.ID: header("X-Request-Id", "by-the-admin")} {
		if rec := w.ask("DELETE", "/views/"+who, "", as); rec.Code != http.StatusNoContent {
			t.Errorf("remove: %d %s", rec.Code, rec.Body)
		}
	}
	if got := w.viewNames("/views", vic); len(got) != 0 {
		t.Errorf("after the removal vic has %q", got)
	}
	w.refused(w.ask("DELETE", "/views/"+own.ID, "", vic), 404, llm.NotFound)
}

func TestViewsAreChecked(t *testing.T) {
	w := newWorld(t)
	for body, words := range map[string]string{
		`{"room":"costs","name":"a","query":""}`:                                    "want calls, traces, sessions",
		`{"room":"calls","name":" ","query":""}`:                                    "1 to 80 characters",
		`{"room":"calls","name":"a\u0007b","query":""}`:                             "1 to 80 characters",
		`{"room":"calls","name":"` + strings.Repeat("ä", 81) + `","query":""}`:      "1 to 80 characters",
		`{"room":"calls","name":"a","query":"statsu=error"}`:                        "statsu",
		`{"room":"calls","name":"a","query":"status=broken"}`:                       "want ok",
		`{"room":"calls","name":"a","query":"sort=cost&sort=ttft"}`:                 "2 times",
		`{"room":"calls","name":"a","query":"status=ok&not.status=fine"}`:           "want ok",
		`{"room":"calls","name":"a","query":"since=gestern"}`:                       "since",
		`{"room":"calls","name":"a","query":"sort=colour"}`:                         "want time, cost",
		`{"room":"calls","name":"a","query":"range=8d"}`:                            "want 24h",
		`{"room":"calls","name":"a","query":"density=tiny"}`:                        "want compact",
		`{"room":"calls","name":"a","query":"columns=<img>"}`:                       "no list of columns",
		`{"room":"calls","name":"a","query":"q=%zz"}`:                               "malformed",
		`{"room":"calls","name":"a","query":"q=` + strings.Repeat("a", 4000) + `"}`: "4000",
		`{"room":"calls","name":"a","query":"","owner":"eve"}`:                      "owner",
	} {
		w.refused(w.ask("POST", "/views", body), 400, llm.InvalidRequest, words)
	}
	w.refused(w.ask("GET", "/views?room=costs", ""), 400, llm.InvalidRequest, "room")
	for i := range viewsMost {
		w.saveView(fmt.Sprint(i), "", false)
	}
	w.refused(w.ask("POST", "/views", `{"room":"calls","name":"one more","query":""}`), 400, llm.InvalidRequest, "remove one first")
}
