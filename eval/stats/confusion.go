package stats

// Confusion counts a judge's passes against the truth.
type Confusion struct {
	TruePass  int `json:"true_pass"`
	FalsePass int `json:"false_pass"` // the judge passed what people failed
	FalseFail int `json:"false_fail"` // the judge failed what people passed
	TrueFail  int `json:"true_fail"`
}

// Confuse counts judged against truth, item by item as far as both go.
func Confuse(truth, judged []bool) Confusion {
	var c Confusion
	for i := range min(len(truth), len(judged)) {
		switch {
		case truth[i] && judged[i]:
			c.TruePass++
		case judged[i]:
			c.FalsePass++
		case truth[i]:
			c.FalseFail++
		default:
			c.TrueFail++
		}
	}
	return c
}

// N is how many were counted.
func (c Confusion) N() int { return c.TruePass + c.FalsePass + c.FalseFail + c.TrueFail }

// Agreement is the share judged as people did. False when nothing was counted.
func (c Confusion) Agreement() (float64, bool) { return share(c.TruePass+c.TrueFail, c.N()) }

// BaseRate is the share that people passed: what a judge that passes all would agree on.
func (c Confusion) BaseRate() (float64, bool) { return share(c.TruePass+c.FalseFail, c.N()) }

// PassRate is the share that the judge passed.
func (c Confusion) PassRate() (float64, bool) { return share(c.TruePass+c.FalsePass, c.N()) }

// Sensitivity is the share passed of what people passed. False when they passed nothing.
func (c Confusion) Sensitivity() (float64, bool) { return share(c.TruePass, c.TruePass+c.FalseFail) }

// Specificity is the share failed of what people failed. False when they failed nothing.
func (c Confusion) Specificity() (float64, bool) { return share(c.TrueFail, c.TrueFail+c.FalsePass) }

// RoganGladen corrects an observed pass rate for a judge's mistakes: (observed + spec - 1)/(sens + spec - 1), held between 0 and
// 1. False when the judge knows no more than chance: sens + spec ≤ 1.
func RoganGladen(observed, sensitivity, specificity float64) (float64, bool) {
	informed := sensitivity + specificity - 1
	if !(informed > 1e-12) {
		return 0, false
	}
	return min(1, max(0, (observed+specificity-1)/informed)), true
}

func share(part, whole int) (float64, bool) {
	if whole == 0 {
		return 0, false
	}
	return float64(part) / float64(whole), true
}
