package experiment

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// String says what an effect is in plain words, or that there is none to speak of yet.
func (e *Effect) String() string {
	if !e.Data {
		return metricWords(e) + ": no values yet"
	}
	return words(e)
}

// words say what an effect is: "cost per unit: 0.0123 $ against 0.0141 $, −13 % (−18 % to −7 %)".
func words(f *Effect) string {
	var b strings.Builder
	b.WriteString(metricWords(f))
	fmt.Fprintf(&b, ": %s against %s", amount(f, f.Value), amount(f, f.Control))
	if f.Relative != nil && !isShare(f.Metric) {
		fmt.Fprintf(&b, ", %s (%s to %s)", percent(f.Relative.Value), percent(f.Relative.Low), percent(f.Relative.High))
	} else {
		fmt.Fprintf(&b, ", %s (%s to %s)", signed(f, f.Difference.Value), signed(f, f.Difference.Low), signed(f, f.Difference.High))
	}
	return b.String()
}

func metricWords(f *Effect) string {
	switch f.Metric {
	case Utility:
		return "the utility"
	case "latency":
		return fmt.Sprintf("calls over %s ms", number(f.SLO))
	case "errors":
		return "failed calls"
	case "calls":
		return "calls per unit"
	}
	name := strings.ReplaceAll(f.Metric, "_", " ")
	if score, ok := strings.CutPrefix(f.Metric, ScorePrefix); ok {
		name = "score " + strconv.Quote(score)
	}
	return name + " per " + string(f.Per)
}

// amount is a value of the effect's metric.
func amount(f *Effect, x float64) string {
	switch {
	case isShare(f.Metric):
		return number(x*100) + " %"
	case f.Metric == "cost":
		return dollars(x)
	}
	return number(x)
}

// signed is a difference of two values.
func signed(f *Effect, x float64) string {
	text := amount(f, math.Abs(x))
	if isShare(f.Metric) {
		text = number(math.Abs(x)*100) + " points"
	}
	return sign(x) + text
}

func sign(x float64) string {
	switch {
	case x < 0:
		return "−"
	case x > 0:
		return "+"
	}
	return "±"
}

func percent(x float64) string {
	if math.Abs(x) >= 10 {
		return sign(x) + "more than 1000 %"
	}
	return sign(x) + strconv.FormatFloat(math.Abs(x)*100, 'f', 1, 64) + " %"
}

// number has three digits that count.
func number(x float64) string {
	if math.Abs(x) >= 1000 {
		return grouped(x)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

// dollars are whole from a thousand on, cents from ten on, else three digits that count.
func dollars(x float64) string {
	switch size := math.Abs(x); {
	case size >= 1000:
		return "$" + grouped(x)
	case size >= 10:
		return "$" + strconv.FormatFloat(x, 'f', 2, 64)
	case size >= 0.001 || size == 0:
		return "$" + strconv.FormatFloat(x, 'g', 3, 64)
	default:
		return "$" + strconv.FormatFloat(x, 'f', 9, 64)
	}
}

// grouped is a whole number with a comma at each thousand.
func grouped(x float64) string {
	digits := strconv.FormatFloat(math.Round(math.Abs(x)), 'f', 0, 64)
	if len(digits) > 15 {
		digits = strconv.FormatFloat(math.Abs(x), 'g', 3, 64)
	} else {
		for at := len(digits) - 3; at > 0; at -= 3 {
			digits = digits[:at] + "," + digits[at:]
		}
	}
	if x < 0 {
		return "−" + digits
	}
	return digits
}

func units(e *Experiment, n int64) string {
	name := string(e.Unit)
	if header, ok := e.Unit.Header(); ok {
		name = header + " value"
	}
	if n != 1 {
		name += "s"
	}
	return grouped(float64(n)) + " " + name
}

func splitWords(e *Experiment, a *Analysis) string {
	var got, want []string
	for i, c := range a.SRM.Counts {
		got = append(got, fmt.Sprintf("%s %s", e.Arms[i].Name, grouped(float64(c))))
		want = append(want, fmt.Sprintf("%.3g", a.SRM.Shares[i]*100))
	}
	return fmt.Sprintf("In this epoch %s, planned %s %%.", strings.Join(got, ", "), strings.Join(want, " : "))
}

func waitWords(e *Experiment, a *Analysis, few ArmCount) string {
	text := fmt.Sprintf("No verdict yet: %q has %s, and each arm needs %d.", few.Arm, units(e, few.Units), MinUnits)
	if a.UnitsPerDay == 0 && few.Units == 0 {
		text += " Nobody has been assigned so far: see that calls name the prompt and carry the unit (" + string(e.Unit) + ")."
	}
	return text
}

func noDataWords(e *Experiment, f *Effect) string {
	what := "see that its calls are recorded with it"
	switch {
	case strings.HasPrefix(f.Metric, ScorePrefix):
		what = "send scores of that name for its calls, or let a scorer make them"
	case f.Metric == "cost":
		what = "set a price for its models (weir prices unpriced)"
	case f.Metric == Utility:
		what = "each unit needs all terms of it"
	}
	return fmt.Sprintf("No verdict: %s has no values in %q or in %q (%s and %s with one); %s.", metricWords(f), f.Arm, e.Control().Name,
		units(e, f.Units), units(e, f.ControlUnits), what)
}

// words are the verdict in plain ones.
func (v *Verdict) words(e *Experiment) string {
	control := e.Control().Name
	reasons := strings.Join(v.Reasons, "; ")
	switch v.State {
	case Ship:
		text := fmt.Sprintf("Ship %q: %s", v.Arm, reasons)
		if len(e.Metrics.Guardrails) > 0 {
			text += "; no guardrail is worse than its margin"
		}
		return text + "." + v.open()
	case StopForHarm:
		return fmt.Sprintf("Stop %q and go back to %q: %s.", v.Arm, control, reasons)
	case NoDifference:
		return fmt.Sprintf("No difference worth having between %q and %q: %s. Keep whichever is simpler.", v.Arm, control, reasons)
	}
	text := fmt.Sprintf("Keep going: %q is %s.", v.Arm, reasons)
	if v.UnitsNeeded == 0 {
		return text + " At the present effect there is no end in sight: name the smallest effect worth having (worth), or stop."
	}
	text += fmt.Sprintf(" About %s more are needed if the effect stays as it is", units(e, v.UnitsNeeded))
	if !v.ExpectedEnd.IsZero() {
		text += fmt.Sprintf(", at the present pace until %s", v.ExpectedEnd.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return text + "."
}

// open says that other challengers have no verdict yet.
func (v *Verdict) open() string {
	var names []string
	for _, arm := range v.Arms {
		if arm.State == KeepGoing {
			names = append(names, strconv.Quote(arm.Arm))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " Not known yet: " + strings.Join(names, ", ") + "."
}

// age is a time of less than a day.
func age(days float64) string {
	return time.Duration(days * 24 * float64(time.Hour)).Round(time.Second).String()
}

// meaning is what a decision today would mean for the bill.
func meaning(a *Analysis, arm string) string {
	for _, m := range a.Money {
		if m.Arm != arm {
			continue
		}
		calls := grouped(m.CallsPerMonth)
		pace := "calls a month"
		if a.Days < 1 {
			pace += ", if it goes on as in the " + age(a.Days) + " so far"
		}
		low, high := m.PerMonth.Low, m.PerMonth.High
		switch {
		case high < 0:
			return fmt.Sprintf("Serving %q to all would save %s a month (between %s and %s) at %s %s.", arm,
				dollars(-m.PerMonth.Value), dollars(-high), dollars(-low), calls, pace)
		case low > 0:
			return fmt.Sprintf("Serving %q to all would cost %s a month more (between %s and %s) at %s %s.", arm,
				dollars(m.PerMonth.Value), dollars(low), dollars(high), calls, pace)
		}
		return fmt.Sprintf("Serving %q to all would change the bill by between %s%s and %s%s a month at %s %s: it is not known which.", arm,
			sign(low), dollars(math.Abs(low)), sign(high), dollars(math.Abs(high)), calls, pace)
	}
	return ""
}
