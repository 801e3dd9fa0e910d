package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// textWriter writes lines of a plain text.
type textWriter struct{ strings.Builder }

func (w *textWriter) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *textWriter) head(title string) {
	w.line("\n%s\n%s", title, strings.Repeat("-", utf8.RuneCountInString(title)))
}

// rows writes a table: the first column to the left, the others to the right.
func (w *textWriter) rows(rows [][]string) {
	var wide []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(wide) {
				wide = append(wide, 0)
			}
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString("  " + cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		w.line("%s", strings.TrimRight(b.String(), " "))
	}
}

// Text is the report as plain text, for mail that is read without HTML.
func (r *Report) Text() string {
	w := &textWriter{}
	w.line("%s, %s", r.Title, r.of())
	if r.Running() {
		w.line("not over yet: figures until %s (%s), %s", r.moment(r.Through), r.Timezone, r.against())
	} else {
		w.line("%s; days of %s", r.against(), r.Timezone)
	}
	r.textSpend(w)
	r.textBudgets(w)
	r.textAhead(w)
	r.textSavings(w)
	r.textMovers(w)
	r.textScores(w)
	r.textIncidents(w)
	w.line("\nMade %s (%s) by weir. What is said to be expected or about is estimated.", r.moment(r.MadeAt), r.Timezone)
	if r.URL != "" {
		w.line("%s", r.URL)
	}
	return w.String()
}

func (r *Report) textSpend(w *textWriter) {
	w.head("Spend")
	line := known(r.Total.CostUSD)
	if r.Before.ChangeUSD != nil {
		line += ", " + change(*r.Before.ChangeUSD)
		if r.Before.ChangePercent != nil {
			line += " (" + signed(r.Before.ChangePercent) + ")"
		}
	}
	w.line("%s; %s before", line, known(r.Before.Total.CostUSD))
	w.line("%s (%s before), %s of them errors (%s before)", plural(r.Total.Calls, "call", "calls"), count(r.Before.Total.Calls), share(r.Total.ErrorPercent()), share(r.Before.Total.ErrorPercent()))
	if n := r.Total.UnpricedCalls; n > 0 {
		w.line("%s no known price, and are in no amount here", plural(n, "call has", "calls have"))
	}
	rows := [][]string{{"day", "spend", "before", "calls", "errors"}}
	for i := range r.Days {
		d := &r.Days[i]
		before := "–"
		if d.BeforeDay != "" {
			before = known(d.BeforeUSD)
		}
		rows = append(rows, []string{weekday(d.Day), known(d.CostUSD), before, count(d.Calls), count(d.Errors)})
	}
	w.rows(rows)
}

func (r *Report) textBudgets(w *textWriter) {
	if len(r.Budgets) == 0 {
		return
	}
	w.head("Budgets")
	rows := [][]string{{"budget", "window", "limit", "fullest window", "used", "limit reached"}}
	for i := range r.Budgets {
		b := &r.Budgets[i]
		row := []string{nameText(b.Name), windowText(b.Window), b.limits(), "–", "–", "–"}
		if b.Windows > 0 {
			row = append(row[:3], b.spent(), share(b.UsedPercent), fmt.Sprintf("%d of %d", b.Reached, b.Windows))
		}
		rows = append(rows, row)
	}
	w.rows(rows)
}

func (r *Report) textAhead(w *textWriter) {
	f := &r.Forecast
	if f.ExpectedUSD == nil {
		return
	}
	w.head("Forecast")
	line := fmt.Sprintf("%s is expected to end at %s", f.Name, known(f.ExpectedUSD))
	if f.LowUSD != nil {
		level := 100 * f.Level
		line += fmt.Sprintf(", with %s of the outcomes between %s and %s", share(&level), known(f.LowUSD), known(f.HighUSD))
	}
	w.line("%s", line)
}

func (r *Report) textSavings(w *textWriter) {
	w.head("Savings and return")
	s := &r.Savings
	w.line("%s saved by the response cache (%s before): %s the same question, %s one that means the same", usd(s.SavedUSD), usd(s.BeforeUSD), plural(s.Exact.Calls, "call", "calls"), count(s.Semantic.Calls))
	if s.Asked > 0 {
		w.line("%s of the %s that it was asked for", share(s.HitPercent), plural(s.Asked, "call", "calls"))
	}
	if s.SavedPercent != nil {
		w.line("without it the bill would have been %s: %s was saved", known(s.WithoutUSD), share(s.SavedPercent))
	}
	if s.CachedShare != nil {
		w.line("providers read %s of the %s tokens sent to them from their own caches", share(s.CachedShare), count(s.InputTokens))
	}
	for i := range r.Routes {
		t := &r.Routes[i]
		w.line("route %s: %s for %s; at %s about %s, a return of about %s", nameText(t.Model), usd(t.CostUSD), plural(t.Calls, "call", "calls"), nameText(t.Dearest), known(t.DearestUSD), known(t.ReturnUSD))
	}
}

func (r *Report) textMovers(w *textWriter) {
	for i := range r.Movers {
		m := &r.Movers[i]
		if len(m.Rows) == 0 {
			continue
		}
		w.head("Biggest movers: " + strings.ToLower(titles[m.By]))
		rows := [][]string{{m.By, "spend", "before", "change"}}
		for k := range m.Rows {
			row := &m.Rows[k]
			rows = append(rows, []string{nameText(row.Name), usd(row.CostUSD), usd(row.BeforeUSD), change(row.ChangeUSD)})
		}
		w.rows(rows)
	}
}

func (r *Report) textScores(w *textWriter) {
	if len(r.Scores) == 0 {
		return
	}
	w.head("Quality")
	rows := [][]string{{"score", "mean", "before", "change", "scores"}}
	for i := range r.Scores {
		s := &r.Scores[i]
		name := nameText(s.Name)
		if c := s.topCategories(); c != "" {
			name += " (" + c + ")"
		}
		rows = append(rows, []string{name, mean(s.Mean), mean(s.BeforeMean), s.moved(), count(s.N)})
	}
	w.rows(rows)
}

func (r *Report) textIncidents(w *textWriter) {
	w.head("Incidents")
	in := &r.Incidents
	if in.None() {
		w.line("none: no alert fired, no hour stood out by its errors, no budget was breached")
	}
	for i := range in.Alerts {
		a := &in.Alerts[i]
		until := "not over"
		if a.Until != nil {
			until = "until " + r.moment(*a.Until)
		}
		line := a.Severity + " " + nameText(a.Rule)
		if of := pairs(a.Labels); of != "" {
			line += ", " + of
		}
		if a.Value != "" {
			line += ", " + nameText(a.Value)
		}
		w.line("%s: since %s, %s", line, r.moment(a.Since), until)
	}
	if in.MoreAlerts > 0 {
		w.line("and %s", plural(int64(in.MoreAlerts), "earlier alert", "earlier alerts"))
	}
	for i := range in.Peaks {
		p := &in.Peaks[i]
		w.line("peak of errors %s to %s: %s of %s, %s", r.moment(p.Since), p.Until.In(r.zone()).Format("15:04"), count(p.Errors), plural(p.Calls, "call", "calls"), share(&p.Percent))
	}
	for i := range in.Breaches {
		b := &in.Breaches[i]
		times, last := plural(b.Count, "time", "times"), "went on after"
		if b.Beyond {
			times += " in its whole window"
		}
		if b.Last != nil {
			last = "last on " + r.moment(*b.Last)
		}
		w.line("budget %s: %s, %s, first on %s, %s", nameText(b.Budget), breaches[b.Kind], times, r.moment(b.First), last)
	}
}
