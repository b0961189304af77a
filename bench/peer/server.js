'use strict';
// The peer of bench/hops.py: the same appeal, screen by screen, as somebody writes it with ussd-menu-builder on node's
// own http server. `node server.js FOLDER PATH` keeps its database in FOLDER, answers posts to PATH, prints its port.
//
// Each screen loads the session and saves it through the library's session config, in one commit that is on the disk
// before the answer leaves (WAL, synchronous=FULL). The last screen files the appeal in that same commit. It does not
// seal what it keeps, knows no repeats and passes nothing on; a station does all three.
const crypto = require('node:crypto');
const http = require('node:http');
const path = require('node:path');
const querystring = require('node:querystring');
const Database = require('better-sqlite3');
const UssdMenu = require('ussd-menu-builder');

const [folder, address] = process.argv.slice(2);
const database = new Database(path.join(folder, 'peer.db'));
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec(`
  CREATE TABLE sessions (id TEXT PRIMARY KEY, state TEXT NOT NULL, updated_at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE appeals (number INTEGER PRIMARY KEY, phone TEXT NOT NULL, pin TEXT NOT NULL, kind TEXT NOT NULL,
    topic TEXT NOT NULL, district TEXT NOT NULL, text TEXT NOT NULL, name TEXT NOT NULL, filed_at INTEGER NOT NULL);
`);
const find = database.prepare('SELECT state FROM sessions WHERE id = ?').pluck();
const keep = database.prepare(`INSERT INTO sessions VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at`);
const insert = database.prepare(`INSERT INTO appeals (phone, pin, kind, topic, district, text, name, filed_at)
  VALUES (@phone, @pin, @kind, @topic, @district, @text, @name, @at)`);

const menu = new UssdMenu();
menu.sessionConfig({
  start: (id, done) => done(),
  get: (id, key, done) => {
    const state = find.get(id);
    done(null, state === undefined ? {} : JSON.parse(state));
  },
  set: (id, key, state, done) => {
    keep.run(id, JSON.stringify(state), Date.now());
    done();
  },
  // The session stays, as a station's does; both would sweep it away by its age.
  end: (id, done) => done(),
});

// Loads the session, notes the answer and where she is, saves it, and only then shows the screen.
const screen = (name, answer, text, next) =>
  menu.state(name, {
    next,
    run: async () => {
      const state = await menu.session.get('state');
      if (answer) state[answer] = menu.val;
      state.screen = name;
      await menu.session.set('state', state);
      menu.con(text);
    },
  });

const file = database.transaction((id, appeal) => {
  const { lastInsertRowid } = insert.run(appeal);
  const reference = String(lastInsertRowid).padStart(10, '0');
  keep.run(id, JSON.stringify({ ...appeal, screen: 'filed', reference }), appeal.at);
  return reference;
});

screen(UssdMenu.START_STATE, '', '1 Тоҷикӣ\n2 Русский\n3 English\n4 Tojiki', { '*^[1-4]$': 'main' });
screen('main', 'language',
  '1 Ҳолати ариза\n2 Муроҷиат\n3 Ариза додан\n4 Маълумот\n5 Ҷойи кор\n6 Дигар\n0 Қафо', { 2: 'kind' });
screen('kind', '',
  '1 Шикоят\n2 Ариза\n3 Таклиф\n4 Дархост\n5 Ҳолати муроҷиат\n6 Ҳавлӣ, кӯча\n0 Қафо', { '*^[1-4]$': 'topic' });
screen('topic', 'kind',
  '1 Об\n2 Барқ\n3 Роҳ\n4 Партов\n5 Мактаб\n6 Беморхона\n7 Замин\n8 Нафақа\n9 Дигар\n0 Қафо', { '*^[1-9]$': 'place' });
screen('place', 'topic', 'Номи ноҳия ё шаҳрро нависед (масалан, Ёвон):\n0 Қафо', { '*.': 'found' });
screen('found', 'district', 'ноҳияи Ёвон?\n1 Ҳа\n2 Не, аз нав\n3 Рӯйхат\n0 Қафо', { 1: 'text', 2: 'place' });
screen('text', '', 'Муроҷиатро кӯтоҳ нависед.\n0 Қафо', { '*.': 'name' });
screen('name', 'text', 'Ному насаб ва номи падар (қонун талаб мекунад):\n0 Қафо', { '*.': 'confirm' });
screen('confirm', 'name', 'Шикоят: Об. Маълумотро ба идора фиристем?\n1 Ҳа\n2 Не\n3 Кадом?\n0 Қафо', { 1: 'filed' });
menu.state('filed', {
  run: async () => {
    const { kind, topic, district, text, name } = await menu.session.get('state');
    const pin = String(crypto.randomInt(10000)).padStart(4, '0');
    const appeal = { phone: menu.args.phoneNumber, pin, kind, topic, district, text, name, at: Date.now() };
    const reference = file(menu.args.sessionId, appeal);
    menu.end(`Сабт шуд. Навишта гиред: рақам ${reference}, рамз ${pin}. Ба идора мефиристем.`);
  },
});

const server = http.createServer((request, response) => {
  if (request.method !== 'POST' || request.url !== address) {
    response.writeHead(404).end();
    return;
  }
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    menu.run(querystring.parse(Buffer.concat(parts).toString()), (answer) => {
      const body = Buffer.from(answer);
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length });
      response.end(body);
    });
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
