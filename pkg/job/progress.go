package job

import "context"

type progressKey struct{}

// WithProgress is a context whose work calls moved whenever it has come forward:
// by that whoever holds a lease tells work that is slow from work that hangs.
func WithProgress(ctx context.Context, moved func()) context.Context {
	return context.WithValue(ctx, progressKey{}, moved)
}

// Progress says that the work of ctx has come forward.
func Progress(ctx context.Context) {
	if moved, ok := ctx.Value(progressKey{}).(func()); ok {
		moved()
	}
}
