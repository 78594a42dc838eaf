// Command scheduler claims the ranges that workers compare.
package main

import (
	"os"

	"github.com/masixun71/cupid-go/cmd/internal/cli"
	"github.com/masixun71/cupid-go/pkg/app"
)

func main() { os.Exit(cli.Main(app.Scheduler)) }
