package qdrant

import (
	"context"
	"errors"
	"fmt"

	"github.com/qdrant/go-client/qdrant"

	"github.com/weir-dev/weir/rag"
)

// Aliases implements rag.Index.
func (s *Store) Aliases(ctx context.Context) (map[string]string, error) {
	list, err := s.client.ListAliases(ctx)
	if err != nil {
		return nil, s.fail(ctx, "list aliases", "", err)
	}
	aliases := make(map[string]string, len(list))
	for _, a := range list {
		aliases[a.GetAliasName()] = a.GetCollectionName()
	}
	return aliases, nil
}

// Point implements rag.Index: the server takes the alias away and makes it anew in one step.
func (s *Store) Point(ctx context.Context, alias, collection string) error {
	const step = "move alias"
	if err := rag.CheckName(alias); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	aliases, err := s.Aliases(ctx)
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, alias, err)
	}
	if target, ok := aliases[collection]; ok {
		return fmt.Errorf("%s %q: %q is an alias itself: name its collection, %q", step, alias, collection, target)
	}
	c, err := s.look(ctx, collection)
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, alias, err)
	}
	create := []*qdrant.AliasOperations{qdrant.NewAliasCreate(alias, collection)}
	switch target, ok := aliases[alias]; {
	case target == collection:
		return nil
	case ok:
		create = append([]*qdrant.AliasOperations{qdrant.NewAliasDelete(alias)}, create...)
	default:
		if _, _, err := s.get(ctx, alias); !errors.Is(err, rag.ErrNoCollection) {
			if err == nil || errors.Is(err, rag.ErrOtherShape) {
				err = errors.New("a collection is called so: take another name")
			}
			return fmt.Errorf("%s %q: %w", step, alias, err)
		}
	}
	if err := s.client.UpdateAliases(ctx, create); err != nil {
		return s.fail(ctx, step, alias, err)
	}
	s.remember(alias, c.Dimensions)
	return nil
}

// Unpoint implements rag.Index.
func (s *Store) Unpoint(ctx context.Context, alias string) error {
	const step = "remove alias"
	aliases, err := s.Aliases(ctx)
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, alias, err)
	}
	if _, ok := aliases[alias]; !ok {
		return nil
	}
	if err := s.client.UpdateAliases(ctx, []*qdrant.AliasOperations{qdrant.NewAliasDelete(alias)}); err != nil {
		if err = s.fail(ctx, step, alias, err); !errors.Is(err, rag.ErrNoCollection) {
			return err
		}
	}
	s.forget(alias)
	return nil
}
