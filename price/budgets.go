package price

import "context"

// Budgets keeps budgets. Safe for concurrent use.
type Budgets interface {
	// PutBudget stores a budget: a new one when its ID is new, else in place of the one that has it. ErrBudgetTaken when
	// another has its name.
	PutBudget(ctx context.Context, b Budget) error
	// ListBudgets gives all budgets by name.
	ListBudgets(ctx context.Context) ([]Budget, error)
	// DeleteBudget removes one. ErrNoBudget when there is none.
	DeleteBudget(ctx context.Context, id string) error
}
