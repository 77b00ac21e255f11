create table report (minute bigint(20) default null, pv bigint(20) default null);
