// Package mysql reads the tables of MySQL and MariaDB servers for comparison.
package mysql
