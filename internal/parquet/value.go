package parquet

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// shapeOf says whether a group is a list or a map, by what it is declared to be and has.
func shapeOf(t *format.LogicalType, p *part) shape {
	if len(p.children) != 1 || !p.children[0].repeated {
		return structure
	}
	switch t.Value.(type) {
	case *format.ListType:
		return listOf
	case *format.MapType:
		if len(p.children[0].children) == 2 {
			return mapOf
		}
	}
	return structure
}

// converter gives the way from a leaf's values to those of Row.
func converter(t parquet.Type) func(parquet.Value) (any, error) {
	if l := t.LogicalType(); l != nil {
		switch l := l.Value.(type) {
		case *format.DecimalType:
			return decimals(int(l.Scale))
		case *format.TimestampType:
			return moments(l.Unit.Value)
		case *format.DateType:
			return func(v parquet.Value) (any, error) {
				return time.Unix(int64(v.Int32())*86_400, 0).UTC().Format(time.DateOnly), nil
			}
		case *format.JsonType:
			return func(v parquet.Value) (any, error) {
				if b := v.ByteArray(); json.Valid(b) {
					return json.RawMessage(strings.Clone(string(b))), nil
				}
				return nil, errors.New("it is said to be JSON, and is not")
			}
		case *format.IntType:
			if !l.IsSigned {
				return func(v parquet.Value) (any, error) {
					if v.Kind() == parquet.Int32 {
						return uint64(v.Uint32()), nil
					}
					return v.Uint64(), nil
				}
			}
		case *format.UUIDType:
			return func(v parquet.Value) (any, error) {
				b := v.ByteArray()
				if len(b) != 16 {
					return nil, errors.New("it is said to be a UUID, and is not")
				}
				return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
			}
		}
	}
	return plainly
}

// plainly converts a value of no declared type.
func plainly(v parquet.Value) (any, error) {
	switch v.Kind() {
	case parquet.Boolean:
		return v.Boolean(), nil
	case parquet.Int32:
		return int64(v.Int32()), nil
	case parquet.Int64:
		return v.Int64(), nil
	case parquet.Int96:
		return int96(v.Int96()), nil
	case parquet.Float:
		return finite(float64(v.Float()))
	case parquet.Double:
		return finite(v.Double())
	}
	b := v.ByteArray()
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("it is not text in UTF-8: %s…", hex.EncodeToString(b[:min(8, len(b))]))
	}
	return string(b), nil
}

func finite(f float64) (any, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, nil // as programs that know no missing number write one
	}
	return f, nil
}

// decimals converts whole numbers of 10^-scale.
func decimals(scale int) func(parquet.Value) (any, error) {
	return func(v parquet.Value) (any, error) {
		n := new(big.Int)
		switch v.Kind() {
		case parquet.Int32:
			n.SetInt64(int64(v.Int32()))
		case parquet.Int64:
			n.SetInt64(v.Int64())
		default:
			b := v.ByteArray()
			if len(b) == 0 || len(b) > 64 {
				return nil, errors.New("it is said to be a decimal number, and is not")
			}
			n.SetBytes(b)
			if b[0]&0x80 != 0 { // two's complement
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
			}
		}
		if scale < 0 || scale > 100 {
			return nil, errors.New("it is a decimal number of too many digits")
		}
		return json.Number(point(n, scale)), nil
	}
}

// point writes n with scale digits behind the point.
func point(n *big.Int, scale int) string {
	if scale == 0 {
		return n.String()
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	digits := new(big.Int).Abs(n).String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale+1-len(digits)) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

func moments(unit format.TimeUnitValue) func(parquet.Value) (any, error) {
	return func(v parquet.Value) (any, error) {
		switch unit.(type) {
		case *format.MilliSeconds:
			return time.UnixMilli(v.Int64()).UTC(), nil
		case *format.MicroSeconds:
			return time.UnixMicro(v.Int64()).UTC(), nil
		}
		return time.Unix(0, v.Int64()).UTC(), nil
	}
}

// int96 is a moment as programs wrote it once: nanoseconds of a day, and a Julian day.
func int96(v deprecated.Int96) time.Time {
	const unixEpoch = 2_440_588
	return time.Unix((int64(v[2])-unixEpoch)*86_400, v.Int64()).UTC()
}
