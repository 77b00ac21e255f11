create table chiji_user (uid int primary key, user_nick text, gender tinyint(1), age int, balance float, province text);
insert into chiji_user values (1, 'ada', 1, 31, 12.5, 'Zhejiang'), (2, 'bo', 0, 20, 0, 'Guangdong'), (3, 'chen', null, 45, 3.25, null), (4, 'dai', 1, 20, 7, 'Zhejiang'), (5, 'eve', 0, 19, 1, 'Hunan');
