create table game_user (uid int primary key, user_nick text, province text);
insert into game_user values (1, 'ada', 'Zhejiang'), (2, 'bo', 'Guangdong'), (3, 'chen', 'Hunan'), (4, 'dai', 'Zhejiang'), (5, 'eve', 'Hunan');
create table spend (hour bigint not null, province varchar(40) not null, money bigint, buyers bigint, primary key (hour, province));
