// Command cupid is a scheduler and a worker in one process, and the operator's tool.
package main

import (
	"os"

	"github.com/masixun71/cupid-go/cmd/internal/cli"
	"github.com/masixun71/cupid-go/pkg/app"
)

func main() { os.Exit(cli.Main(app.Both)) }
