package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/forecast"
	"github.com/weir-dev/weir/trace"
)

// forecastWindows are the windows that spend is forecast to the end of.
var forecastWindows = []string{string(price.Day), string(price.Week), string(price.Month), string(price.Quarter), string(price.Year)}

var forecastParams = []param{
	{name: "window", about: "to the end of the present one; month unless given", enum: forecastWindows},
	{name: "timezone", about: "of the window and of the hours of the week, as Europe/Berlin; UTC unless given"},
}

// forecastFilters are filterParams without times, which the window says.
var forecastFilters = slices.DeleteFunc(slices.Clone(filterParams), func(p param) bool { return p.name == "since" || p.name == "until" })

// spendForecast says what will have been spent at the end of a window.
type spendForecast struct {
	Window   price.Window `json:"window"`
	Timezone string       `json:"timezone"`
	At       stamp        `json:"at"`       // when it was made
	BeganAt  *stamp       `json:"began_at"` // of the window
	EndsAt   *stamp       `json:"ends_at"`  // null: the window has no end, and there is no forecast

	SpentUSD    price.USD  `json:"spent_usd"`    // in the window until now
	ExpectedUSD *price.USD `json:"expected_usd"` // at its end; null: see how
	LowUSD      *price.USD `json:"low_usd"`      // level of the outcomes lie between low and high; null: too little is known
	HighUSD     *price.USD `json:"high_usd"`
	Level       float64    `json:"level"`

	Method       string         `json:"method"` // seasonal: by hour of the week; linear: one mean; none
	How          string         `json:"how"`    // the method in a sentence
	HistoryHours int            `json:"history_hours"`
	Course       []forecastStep `json:"course"` // from now to the end, by the hour in the last two days, else by the day

	LimitUSD    *price.USD `json:"limit_usd"`    // of a budget
	ReachesAt   *stamp     `json:"reaches_at"`   // when the limit is reached as expected; null: not in the window
	OverPercent *float64   `json:"over_percent"` // of the outcomes that pass the limit; null: not known
}

// forecastStep is a moment of the course, with what will have been spent by then.
type forecastStep struct {
	At          stamp     `json:"at"`
	ExpectedUSD price.USD `json:"expected_usd"`
	LowUSD      price.USD `json:"low_usd"`
	HighUSD     price.USD `json:"high_usd"`
}

// budgetForecast is the forecast of a budget's present window.
type budgetForecast struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	spendForecast
}

func (a *API) getForecast(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	zone, err := readZone(q.Get("timezone"))
	if err != nil {
		return err
	}
	window := price.Window(q.Get("window"))
	switch {
	case window == "":
		window = price.Month
	case !slices.Contains(forecastWindows, string(window)):
		return bad("window", "window=%q is not forecast: want %s", clip(string(window)), strings.Join(forecastWindows, ", "))
	}
	now := time.Now()
	f, err := readFilter(q, now, zone)
	if err != nil {
		return err
	}
	out, err := a.forecast(r.Context(), f, window, zone, nil, 0, now)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) getBudgetForecast(w http.ResponseWriter, r *http.Request) error {
	b, err := a.findBudget(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	zone, err := b.Location()
	if err != nil {
		return fmt.Errorf("forecast budget %s: %w", b.Name, err)
	}
	usage, err := a.cfg.BudgetLedger.Usage(r.Context())
	if err != nil {
		return fmt.Errorf("forecast budget %s: %w", b.Name, err)
	}
	var spent *price.USD
	if u, ok := usage[b.ID]; ok && !u.Filling {
		spent = &u.Spent.USD
	}
	f, err := a.forecast(r.Context(), filterOfScope(b.Scope), b.Window, zone, spent, b.LimitUSD, time.Now())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, budgetForecast{b.ID, b.Name, f})
}

// findBudget finds a budget by its id, or else its name.
func (a *API) findBudget(ctx context.Context, word string) (price.Budget, error) {
	list, err := a.cfg.Budgets.ListBudgets(ctx)
	if err != nil {
		return price.Budget{}, fmt.Errorf("find budget: %w", err)
	}
	for _, same := range []func(price.Budget) bool{
		func(b price.Budget) bool { return b.ID == word },
		func(b price.Budget) bool { return b.Name == word },
	} {
		if i := slices.IndexFunc(list, same); i >= 0 {
			return list[i], nil
		}
	}
	return price.Budget{}, price.ErrNoBudget
}

// filterOfScope picks the calls that a budget counts.
func filterOfScope(scope map[string]string) trace.Filter {
	var f trace.Filter
	fields := map[string]*string{
		"project": &f.Project, "key": &f.Key, "user": &f.User, "session": &f.Session, "model": &f.Model, "provider": &f.Provider,
	}
	for name, value := range scope {
		if at, ok := fields[name]; ok {
			*at = value
			continue
		}
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[name[len("tag."):]] = value
	}
	return f
}

// forecast asks the store for hours, and looks ahead. spent, unless nil, is what a ledger knows was spent in the window.
func (a *API) forecast(ctx context.Context, f trace.Filter, window price.Window, zone *time.Location, spent *price.USD, limit price.USD, now time.Time) (spendForecast, error) {
	from, until := window.Span(now, zone)
	_, rolling := window.Rolling()
	out := spendForecast{
		Window: window, Timezone: zone.String(), At: stamp(now), BeganAt: stampOf(from), Level: forecast.Level, Method: string(forecast.None),
		Course: []forecastStep{},
	}
	if limit > 0 {
		out.LimitUSD = &limit
	}
	if spent != nil {
		out.SpentUSD = *spent
	}
	if rolling || until.IsZero() || until.Sub(from) < 23*time.Hour {
		out.How = "Only calendar windows of a day and more are forecast."
		return out, nil
	}
	out.EndsAt = stampOf(until)
	if spent == nil {
		f.Since, f.Until = from, now
		costs, err := a.cfg.Reader.Costs(ctx, trace.CostQuery{Filter: f})
		if err != nil {
			return out, fmt.Errorf("forecast: %w", err)
		}
		out.SpentUSD = costs.Total.Cost
	}
	hours, err := a.hourly(ctx, f, now)
	if err != nil {
		return out, err
	}
	made := forecast.Make(forecast.Input{Hours: hours, Spent: out.SpentUSD.Float64(), Now: now, End: until, Zone: zone, Limit: limit.Float64()})
	out.fill(&made)
	return out, nil
}

// hourly is what each of the last hours cost.
func (a *API) hourly(ctx context.Context, f trace.Filter, now time.Time) (map[time.Time]float64, error) {
	f.Until = now.UTC().Truncate(time.Hour)
	f.Since = f.Until.Add(-forecast.Weeks * 7 * 24 * time.Hour)
	costs, err := a.cfg.Reader.Costs(ctx, trace.CostQuery{Filter: f, By: []string{"hour"}})
	if err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	hours := make(map[time.Time]float64, len(costs.Rows))
	for _, row := range costs.Rows {
		at, err := time.Parse(time.RFC3339, row.Group[0])
		if err != nil {
			return nil, fmt.Errorf("forecast: the store names the hour %q: %w", row.Group[0], err)
		}
		hours[at.UTC()] = row.Cost.Float64()
	}
	return hours, nil
}

func (s *spendForecast) fill(f *forecast.Forecast) {
	s.Method, s.HistoryHours = string(f.Method), f.History
	switch f.Method {
	case forecast.None:
		s.How = "A forecast needs a day of recorded spend; it appears by itself."
		return
	case forecast.Linear:
		s.How = fmt.Sprintf("Spent so far, plus the mean of the last %d hours for each hour to come. With two whole weeks of history hours of the week are told apart.", f.History)
	case forecast.Seasonal:
		s.How = fmt.Sprintf("Spent so far, plus for each hour to come the mean of the same hour of the week over the last %d weeks.", f.History/168)
	}
	s.ExpectedUSD = dollars(f.Expected)
	if f.Band {
		s.LowUSD, s.HighUSD = dollars(f.Low), dollars(f.High)
		s.How += fmt.Sprintf(" %.0f %% of the outcomes lie in the interval, if the days to come differ as the past ones did.", 100*forecast.Level)
		if s.LimitUSD != nil {
			over := 100 * f.Over
			s.OverPercent = &over
		}
	}
	for _, c := range f.Course {
		s.Course = append(s.Course, forecastStep{stamp(c.At), *dollars(c.Expected), *dollars(c.Low), *dollars(c.High)})
	}
	s.ReachesAt = stampOf(f.Reaches)
}

// dollars is an estimate as an amount.
func dollars(v float64) *price.USD {
	u := price.USD(min(v, price.MaxUSD.Float64()) * 1e9)
	return &u
}

// readZone reads a time zone; none is UTC.
func readZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || zone == time.Local {
		return nil, bad("timezone", "timezone=%q is not a name of the time zone database, such as Europe/Berlin", clip(name))
	}
	return zone, nil
}
