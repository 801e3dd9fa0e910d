package clickhouse

import (
	"database/sql/driver"
	"fmt"

	"github.com/weir-dev/weir/price"
)

// money is a column of type Decimal(18, 9), as decimal text on its way to and from the driver.
type money price.USD

// Value gives the decimal text.
func (m money) Value() (driver.Value, error) { return price.USD(m).String(), nil }

// Scan reads the driver's decimal.
func (m *money) Scan(v any) error {
	text, ok := v.(fmt.Stringer)
	if !ok {
		return fmt.Errorf("%T is not a decimal", v)
	}
	u, err := price.ParseUSD(text.String())
	if err != nil {
		return err
	}
	*m = money(u)
	return nil
}

// knownMoney is a column of type Nullable(Decimal(18, 9)): not known is not zero.
type knownMoney struct {
	amount money
	known  bool
}

// Value gives the decimal text, or nil.
func (m knownMoney) Value() (driver.Value, error) {
	if !m.known {
		return nil, nil //nolint:nilnil // driver.Valuer says NULL this way
	}
	return m.amount.Value()
}

// Scan reads the driver's decimal, or nil.
func (m *knownMoney) Scan(v any) error {
	if v == nil {
		*m = knownMoney{}
		return nil
	}
	m.known = true
	return m.amount.Scan(v)
}
