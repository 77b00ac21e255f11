create table users (id integer primary key, name text not null, tier text, city text, closed integer not null default 0);
insert into users values
  (101, 'Ann', 'gold', 'Oslo', 0),
  (102, 'Bob', null, 'Rome', 0),
  (103, 'Cid', 'silver', 'Oslo', 1),
  (104, 'Dee', 'silver', '', 0);
