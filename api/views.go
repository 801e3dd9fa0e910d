package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
)

const (
	viewsMost     = 200  // views of one owner
	viewNameMost  = 80   // characters
	viewQueryMost = 4000 // bytes
)

// viewRooms are the lists that have views.
var viewRooms = []string{"calls", "traces", "sessions"}

// viewParams are what a view's query may hold beside filterParams: what the console's lists keep in their addresses.
var viewParams = []param{
	{name: "range", enum: []string{"24h", "7d", "30d", "90d"}},
	{name: "sort", enum: callOrders},
	{name: "order", enum: callWays},
	{name: "columns"},
	{name: "density", enum: []string{"compact", "comfortable"}},
}

var viewColumns = regexp.MustCompile(`^[a-z_]{1,32}(,[a-z_]{1,32})*$`)

// savedView is a saved view.
type savedView struct {
	ID        string `json:"id"`
	Room      string `json:"room"` // calls, traces or sessions
	Name      string `json:"name"`
	Query     string `json:"query"` // parameters of the list's address; "" is the plain list
	Owner     string `json:"owner"`
	Shared    bool   `json:"shared"`
	Own       bool   `json:"own"`        // the caller made it
	MayChange bool   `json:"may_change"` // the caller may change and remove it
	CreatedAt stamp  `json:"created_at"`
	ChangedAt stamp  `json:"changed_at"`
}

// viewList is the views that a caller has.
type viewList struct {
	Views []savedView `json:"views"`
}

// newView asks for a view.
type newView struct {
	Room   string `json:"room"`
	Name   string `json:"name"`
	Query  string `json:"query"`
	Shared bool   `json:"shared,omitempty"` // takes a developer
}

// changedView is what a view is to be from now on.
type changedView struct {
	Name   string `json:"name"`
	Query  string `json:"query"`
	Shared bool   `json:"shared"` // to share takes a developer
}

func (a *API) viewRoutes() []route {
	return []route{
		{
			method: "GET", path: "/views", name: "listViews", summary: "Saved views of lists: one's own, and those that are shared, by name",
			params: []param{{name: "room", about: "of this list", enum: viewRooms}}, status: http.StatusOK, out: viewList{}, handle: a.listViews,
		},
		{
			method: "POST", path: "/views", name: "createView", summary: "Save a view of a list: its filters, range, order and columns, as the parameters of its address", role: account.Viewer,
			in: newView{}, status: http.StatusCreated, out: savedView{}, handle: a.createView,
		},
		{
			method: "PUT", path: "/views/{id}", name: "changeView", summary: "Change a view that one made; an admin may change every one", role: account.Viewer,
			in: changedView{}, status: http.StatusOK, out: savedView{}, handle: a.changeView,
		},
		{
			method: "DELETE", path: "/views/{id}", name: "deleteView", summary: "Remove a view that one made; an admin may remove every one", role: account.Viewer,
			status: http.StatusNoContent, handle: a.deleteView,
		},
	}
}

func shownView(v account.View, who caller) savedView {
	return savedView{
		ID: v.ID, Room: v.Room, Name: v.Name, Query: v.Query, Owner: v.Owner, Shared: v.Shared, Own: v.Owner == who.name,
		MayChange: v.MayBeChangedBy(who.name, who.role), CreatedAt: stamp(v.CreatedAt), ChangedAt: stamp(v.ChangedAt),
	}
}

// viewFault finds the fault of an error about views.
func viewFault(err error) error {
	switch {
	case errors.Is(err, account.ErrNoView):
		return llm.Faultf(llm.NotFound, "no view has this id; GET %s/views lists them", prefix).Because(err)
	case errors.Is(err, account.ErrViewTaken):
		return bad("name", "a view of this name is there already, of the same owner: choose another name, or change that one with PUT %s/views/{id}", prefix).Because(err)
	}
	return err
}

func (a *API) listViews(w http.ResponseWriter, r *http.Request) error {
	room := r.URL.Query().Get("room")
	if room != "" && !slices.Contains(viewRooms, room) {
		return noRoom(room)
	}
	who := callerOf(r)
	list, err := a.cfg.Views.ListViews(r.Context(), who.name)
	if err != nil {
		return fmt.Errorf("list views: %w", err)
	}
	out := viewList{Views: []savedView{}}
	for _, v := range list {
		if room == "" || v.Room == room {
			out.Views = append(out.Views, shownView(v, who))
		}
	}
	return answer(w, http.StatusOK, out)
}

func noRoom(room string) error {
	return bad("room", "room=%q is unknown: want %s", clip(room), strings.Join(viewRooms, ", "))
}

func (a *API) createView(w http.ResponseWriter, r *http.Request) error {
	var in newView
	if err := read(r, &in); err != nil {
		return err
	}
	if !slices.Contains(viewRooms, in.Room) {
		return noRoom(in.Room)
	}
	who, now := callerOf(r), time.Now()
	v := account.View{ID: llm.NewID(now), Room: in.Room, Owner: who.name, CreatedAt: now, ChangedAt: now}
	if err := fillView(&v, changedView{in.Name, in.Query, in.Shared}, who); err != nil {
		return err
	}
	list, err := a.cfg.Views.ListViews(r.Context(), who.name)
	if err != nil {
		return fmt.Errorf("save view: %w", err)
	}
	own := slices.DeleteFunc(list, func(o account.View) bool { return o.Owner != who.name })
	if len(own) >= viewsMost {
		return bad("name", "%s has %d views, which is the most: remove one first", who.name, len(own))
	}
	if err := a.cfg.Views.AddView(r.Context(), v); err != nil {
		return viewFault(err)
	}
	return answer(w, http.StatusCreated, shownView(v, who))
}

// viewOf finds the view that a path names, and lets only those have it who may change it. Who may not even see it hears that there
// is none.
func (a *API) viewOf(r *http.Request) (account.View, error) {
	v, err := a.cfg.Views.View(r.Context(), r.PathValue("id"))
	if err != nil {
		return v, viewFault(err)
	}
	switch who := callerOf(r); {
	case v.MayBeChangedBy(who.name, who.role):
		return v, nil
	case !v.Shared:
		return v, viewFault(account.ErrNoView)
	default:
		return v, llm.Faultf(llm.Forbidden, "the view %q is %s's: only %s and admins may change or remove it; save one of your own", clip(v.Name), clip(v.Owner), clip(v.Owner))
	}
}

func (a *API) changeView(w http.ResponseWriter, r *http.Request) error {
	var in changedView
	if err := read(r, &in); err != nil {
		return err
	}
	v, err := a.viewOf(r)
	if err != nil {
		return err
	}
	who := callerOf(r)
	if err := fillView(&v, in, who); err != nil {
		return err
	}
	v.ChangedAt = time.Now()
	if err := a.cfg.Views.SetView(r.Context(), v); err != nil {
		return viewFault(err)
	}
	return answer(w, http.StatusOK, shownView(v, who))
}

func (a *API) deleteView(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewOf(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Views.RemoveView(r.Context(), v.ID); err != nil {
		return viewFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fillView checks what is asked of a view and puts it in.
func fillView(v *account.View, in changedView, who caller) error {
	name := strings.TrimSpace(in.Name)
	switch {
	case name == "" || utf8.RuneCountInString(name) > viewNameMost || strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return bad("name", "the name %q is none: want 1 to %d characters", clip(name), viewNameMost)
	case in.Shared && !who.role.May(account.Developer):
		return llm.Faultf(llm.Forbidden, "%s is %s %s, and to share a view takes a developer; save it for yourself, or ask an admin for the role", who.name, article(who.role), who.role)
	}
	query, err := checkViewQuery(in.Query)
	if err != nil {
		return err
	}
	v.Name, v.Query, v.Shared = name, query, in.Shared
	return nil
}

// checkViewQuery refuses what a list could not be opened with, and gives the query with its parameters in order.
func checkViewQuery(text string) (string, error) {
	if len(text) > viewQueryMost {
		return "", bad("query", "the query has %d bytes; a view's may have %d", len(text), viewQueryMost)
	}
	known := route{method: http.MethodGet, path: "/calls", params: slices.Concat(filterParams, viewParams)}
	text = strings.TrimPrefix(text, "?")
	if err := known.checkQuery(text); err != nil {
		return "", inQuery(err)
	}
	q, err := url.ParseQuery(text)
	if err != nil {
		return "", bad("query", "the query is malformed: %v", err)
	}
	for name, values := range q {
		if q[name] = slices.DeleteFunc(values, func(v string) bool { return v == "" }); len(q[name]) == 0 {
			delete(q, name)
		}
	}
	if _, err := readFilter(q, time.Now(), time.UTC); err != nil {
		return "", inQuery(err)
	}
	for _, p := range viewParams {
		if v := q.Get(p.name); v != "" && p.enum != nil && !slices.Contains(p.enum, v) {
			return "", bad("query", "%s=%q is unknown: want %s", p.name, clip(v), strings.Join(p.enum, ", "))
		}
	}
	if c := q.Get("columns"); c != "" && !viewColumns.MatchString(c) {
		return "", bad("query", "columns=%q is no list of columns: want their names with commas between, such as time,model,cost", clip(c))
	}
	return q.Encode(), nil
}

// inQuery says of a fault of a parameter that it is in the field query.
func inQuery(err error) error {
	if f, ok := errors.AsType[*llm.Fault](err); ok {
		f.Param = "query"
		return f
	}
	return err
}
