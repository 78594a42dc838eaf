-- The demo of docker-compose.yml: a table, its copy, and who may do what with them.
CREATE DATABASE db;
CREATE DATABASE db2;

CREATE TABLE db.user (
  id          BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  number      VARCHAR(32) NOT NULL UNIQUE,
  name        VARCHAR(64),
  avatar      VARCHAR(128),
  update_time DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  KEY (update_time)
);

CREATE TABLE db2.user (
  id     BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
  number VARCHAR(32) NOT NULL UNIQUE,
  name   VARCHAR(64),
  avatar VARCHAR(128)
);

CREATE USER 'cupid'@'%' IDENTIFIED BY 'demo';
GRANT SELECT ON db.* TO 'cupid'@'%';
GRANT SELECT ON db2.* TO 'cupid'@'%';

CREATE USER 'pipeline'@'%' IDENTIFIED BY 'demo';
GRANT SELECT, INSERT, UPDATE ON db.* TO 'pipeline'@'%';
GRANT SELECT, INSERT, UPDATE ON db2.* TO 'pipeline'@'%';

CREATE USER 'receiver'@'%' IDENTIFIED BY 'demo';
GRANT SELECT, INSERT, UPDATE ON db2.* TO 'receiver'@'%';
