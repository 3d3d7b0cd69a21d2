import { describe, expect, it } from '@jest/globals';
import { hideSecretsOf, withoutSecrets } from './without-secrets.js';

describe('withoutSecrets', () => {
  it.each([
    ['postgres://a:hunter2@b', 'postgres://***@b'],
    ['amqp://a:hun@ter2@b/x and kafka://c:d@e', 'amqp://***@b/x and kafka://***@e'],
    ['redis://:hunter2@b', 'redis://***@b'],
    ['{"password":"hunter2","x":1}', '{"password":"***","x":1}'],
    ['password=hunter2 host=b', 'password=*** host=b'],
    ['http://b:80/x is away', 'http://b:80/x is away'],
    ['password: must be longer', 'password: must be longer'],
  ])('writes %s as %s', (said, kept) => {
    expect(withoutSecrets(said)).toBe(kept);
  });

  it('hides what drivers were given as secrets, wherever it stands', () => {
    hideSecretsOf({
      ...{ url: 'postgres://a:from%2Furl@b/c', username: 'visible-name', password: 'of the database' },
      ssl: { key: Buffer.from('-----BEGIN KEY\nabc'), ca: 'visible-ca', passphrase: 'of the key' },
      sasl: {
        mechanism: 'plain',
        username: 'visible-user',
        password: 'p"lain',
        authenticationProvider: () => 1,
      },
      replication: { slaves: [{ password: 'of the slave' }] },
      extra: { password: 'abc', pool: new Map([['password', 'visible-map']]) },
    });

    const said = [
      'from/url from%2Furl of the database -----BEGIN KEY\nabc of the key of%20the%20key p"lain',
      JSON.stringify({ options: ['p"lain', 'of the slave'] }),
    ];

    expect(said.map(withoutSecrets)).toEqual([
      '*** *** *** *** *** *** ***',
      JSON.stringify({ options: ['***', '***'] }),
    ]);
    const visible = 'visible-name visible-ca visible-user visible-map abc plain';
    expect(withoutSecrets(visible)).toBe(visible);
  });

  it.each(['://', '://a:', 'password='])('takes little time over many a %s', (part) => {
    const startedAt = performance.now();

    withoutSecrets(part.repeat(300_000));

    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
